import RGWCrypto
import RGWHost
import RGWObject

/// A file to upload.
final class BenchFile: BodyFile {
    private let file: HostDescriptor
    let length: UInt64

    init(_ path: String) throws {
        file = try HostDescriptor(path)
        length = try file.status().size
    }

    var descriptor: Int32 { file.number }

    func contents(at offset: UInt64, count: Int) -> [UInt8]? {
        do throws(HostError) { return try file.read(at: offset, count: count) } catch { return nil }
    }

    /// As HostSpoolFile computes it.
    func md5() throws -> [UInt8] {
        var digest = MD5Digest()
        var buffer = [UInt8](repeating: 0, count: Int(min(length, 1 << 20)))
        var offset: UInt64 = 0
        while offset < length {
            let count = try file.read(into: &buffer, at: offset)
            guard count > 0 else { break }
            digest.update(buffer.span.extracting(0..<count))
            offset += UInt64(count)
        }
        return digest.finalize()
    }
}
