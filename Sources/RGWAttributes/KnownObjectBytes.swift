import RGWBase
import RGWObject
import RGWSpool

/// A known object as bytes: numbers in eight bytes, little-endian; texts with their length before them.
enum KnownObjectBytes {
    /// Counted up when the form changes: a database of another form is dropped. `PRAGMA user_version`.
    static let form: Int64 = 1
    /// More than all headers of an object may be. Source: RGW, 16 KiB of headers.
    private static let bytesMax = 32 << 10
    /// The length that says that there is no text.
    private static let absent = UInt64.max

    /// nil: it has something that this form does not keep, or too much.
    static func encode(_ known: KnownObject) -> [UInt8]? {
        var bytes: [UInt8] = []
        let head = known.head
        put(head.etag.text, &bytes)
        put(head.size, &bytes)
        put(head.lastModified, &bytes)
        put(known.listed, &bytes)
        let metadata = head.metadata
        for field in fields { put(metadata[keyPath: field], &bytes) }
        put(UInt64(bitPattern: Int64(metadata.tagCount)), &bytes)
        put(UInt64(metadata.user.count), &bytes)
        for (name, value) in metadata.user.sorted(by: { $0.key < $1.key }) {
            put(name, &bytes)
            put(value, &bytes)
        }
        guard bytes.count <= bytesMax, decode(bytes) == known else { return nil }
        return bytes
    }

    /// nil: it is damaged.
    static func decode(_ bytes: [UInt8]) -> KnownObject? {
        var reader = Reader(bytes: bytes)
        guard let etag = reader.text(), let tag = etag, let size = reader.number(),
            let modified = reader.time(), let listed = reader.time()
        else { return nil }
        var metadata = ObjectMetadata()
        for field in fields {
            guard let text = reader.text() else { return nil }
            metadata[keyPath: field] = text
        }
        guard let tags = reader.number(), let count = reader.number(), count <= bytesMax else {
            return nil
        }
        metadata.tagCount = Int(clamping: Int64(bitPattern: tags))
        for _ in 0..<count {
            guard let name = reader.text() ?? nil, let value = reader.text() ?? nil else {
                return nil
            }
            metadata.user[name] = value
        }
        guard reader.isAtEnd else { return nil }
        let head = ObjectHead(
            etag: ETag(tag), size: size, lastModified: modified, metadata: metadata)
        return KnownObject(head: head, listed: listed)
    }

    /// In the order of their bytes.
    private static var fields: [WritableKeyPath<ObjectMetadata, String?>] {
        [
            \.contentType, \.cacheControl, \.contentDisposition, \.contentEncoding,
            \.contentLanguage, \.expires, \.websiteRedirect, \.storage.storageClass,
            \.storage.encryption, \.storage.encryptionKey,
        ]
    }

    private static func put(_ number: UInt64, _ bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
    }

    private static func put(_ time: WallTime, _ bytes: inout [UInt8]) {
        put(UInt64(bitPattern: time.seconds), &bytes)
        put(UInt64(bitPattern: time.nanoseconds), &bytes)
    }

    private static func put(_ text: String?, _ bytes: inout [UInt8]) {
        guard let text else { return put(absent, &bytes) }
        put(UInt64(text.utf8.count), &bytes)
        bytes += text.utf8
    }

    /// From the first byte to the last. Everything is nil once the bytes do not suffice.
    private struct Reader {
        let bytes: [UInt8]
        private var place = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { place == bytes.count }

        mutating func number() -> UInt64? {
            guard bytes.count - place >= 8 else { return nil }
            defer { place += 8 }
            return (0..<8).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
        }

        mutating func time() -> WallTime? {
            guard let seconds = number(), let nanoseconds = number(), nanoseconds < 1_000_000_000
            else { return nil }
            return WallTime(
                seconds: Int64(bitPattern: seconds), nanoseconds: Int64(nanoseconds))
        }

        /// nil inside: no text.
        mutating func text() -> String?? {
            guard let length = number() else { return nil }
            if length == absent { return .some(nil) }
            guard length <= UInt64(bytes.count - place) else { return nil }
            let end = place + Int(length)
            defer { place = end }
            return String(validating: bytes[place..<end], as: UTF8.self).map { .some($0) }
        }
    }
}
