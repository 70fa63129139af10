package import RGWObject
import RGWSpool

/// Reads upload bodies out of the kit's own spool files.
package protocol BodyReading: Sendable {
    /// nil when the file is shorter than that.
    func read(_ file: any BodyFile, _ offset: UInt64, _ length: UInt64) -> [UInt8]?
}

/// Reads through the spool's port: works for files in memory and on disk.
package struct SpoolBodyReader: BodyReading {
    package init() {}
    package func read(_ file: any BodyFile, _ offset: UInt64, _ length: UInt64) -> [UInt8]? {
        guard let spool = file as? any SpoolFile,
            let bytes = try? spool.read(at: offset, count: Int(length)),
            bytes.count == Int(length)
        else { return nil }
        return bytes
    }
}
