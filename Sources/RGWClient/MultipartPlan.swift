import RGWCrypto
import RGWObject

/// How a body is cut into parts, and what ETag the whole gets; pure.
struct MultipartPlan: Equatable {
    let length: UInt64
    let partSize: UInt64

    /// S3's limit of parts in one upload.
    static let partsMax = UInt64(UploadedPart.numberMax)
    /// The smallest part that is not the last. Source: S3 API reference, "Multipart upload limits".
    static let partSizeMin: UInt64 = 5 << 20

    /// Parts of `preferred` bytes, or of as many MiB as 10,000 parts need.
    init(length: UInt64, preferred: UInt64) {
        self.length = length
        let needed = (length + Self.partsMax - 1) / Self.partsMax
        let mebibyte: UInt64 = 1 << 20
        let rounded = (needed + mebibyte - 1) / mebibyte * mebibyte
        partSize = max(preferred, rounded, Self.partSizeMin)
    }

    /// One part at least, also of nothing.
    var count: Int { max(1, Int((length + partSize - 1) / partSize)) }

    /// Bytes of the body that the part (from 1) holds.
    func range(ofPart number: Int) -> Range<UInt64> {
        let start = UInt64(number - 1) * partSize
        return start..<min(length, start + partSize)
    }

    static func slice(_ body: ObjectBody, _ range: Range<UInt64>) -> ObjectBody {
        switch body {
        case .bytes(let bytes):
            .bytes(Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        case .file(let file, let offset, _):
            .file(
                file, offset: offset + range.lowerBound,
                length: range.upperBound - range.lowerBound)
        }
    }

    /// The ETag of one part: its MD5.
    static func etag(ofPart digest: [UInt8]) -> ETag { ETag(Hexadecimal.encode(digest)) }

    /// RGW's ETag of the whole: the MD5 of the parts' MD5s, and their number. Nil unless the parts are
    /// numbered 1, 2, 3 ... and their ETags are MD5s.
    static func etag(ofParts parts: [UploadedPart]) -> ETag? {
        guard !parts.isEmpty, parts.map(\.number) == Array(1...parts.count) else { return nil }
        var digests: [UInt8] = []
        for part in parts {
            guard let digest = Hexadecimal.decode(part.etag.text), digest.count == 16 else {
                return nil
            }
            digests += digest
        }
        return ETag("\(Hexadecimal.encode(Hash.md5(digests)))-\(parts.count)")
    }
}
