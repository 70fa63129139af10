import RGWObject
import RGWSpool

/// A data file that something else than this program removed or damaged: it fails, and nothing but it.
final class UnreadableFile: SpoolFile {
    private let reason: String

    init(_ reason: String) { self.reason = reason }

    private var error: SpoolError { .unusable(reason) }

    /// No descriptor.
    var descriptor: Int32 { -1 }

    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(SpoolError) { throw error }
    func read(at offset: UInt64, count: Int) throws(SpoolError) -> [UInt8] { throw error }
    func truncate(to size: UInt64) throws(SpoolError) { throw error }
    func size() throws(SpoolError) -> UInt64 { throw error }
    /// Nothing can be lost.
    func sync() {}
    func md5(length: UInt64) throws(SpoolError) -> [UInt8] { throw error }
    func md5(of range: Range<UInt64>) throws(SpoolError) -> [UInt8] { throw error }
    func punchHole(_ range: Range<UInt64>) throws(SpoolError) { throw error }
    func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(SpoolError) { throw error }
    func seek(from offset: UInt64, hole: Bool) throws(SpoolError) -> UInt64? { throw error }
    func allocatedBytes() throws(SpoolError) -> UInt64 { 0 }
}
