import RGWBase
import RGWCrypto
import RGWObject
package import RGWSpool
import Synchronization

/// One data file of the spool. Owns its descriptor, which closes with the last reference; a file
/// that was removed or moved meanwhile stays readable and writable.
package final class HostSpoolFile: SpoolFile {
    private let file: HostDescriptor
    /// The directory whose entry for this file is not durable yet; nil: it is. Guarded by the
    /// mutex.
    private let unsyncedDirectory: Mutex<String?>

    /// `directory` is set for a new file.
    init(_ file: consuming HostDescriptor, createdIn directory: String? = nil) {
        self.file = file
        unsyncedDirectory = Mutex(directory)
    }

    package var descriptor: Int32 { file.number }

    package func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(SpoolError) {
        do throws(HostError) { try file.write(bytes, at: offset) } catch { throw error.spoolError }
    }

    package func read(at offset: UInt64, count: Int) throws(SpoolError) -> [UInt8] {
        try asSpoolOperation { () throws(HostError) in try file.read(at: offset, count: count) }
    }

    package func truncate(to size: UInt64) throws(SpoolError) {
        try asSpoolOperation { () throws(HostError) in try file.truncate(to: size) }
    }

    package func size() throws(SpoolError) -> UInt64 {
        try asSpoolOperation { () throws(HostError) in try file.status().size }
    }

    /// Also makes the name of a new file durable: content without a name is lost content. fsync(2)
    /// does not promise that for the file alone, although ext4 and XFS do it.
    package func sync() throws(SpoolError) {
        try asSpoolOperation { () throws(HostError) in
            try file.syncData()
            guard let directory = unsyncedDirectory.withLock({ $0 }) else { return }
            try HostNames.syncDirectory(directory)
            // Two threads may both have synced the directory; neither harms the other.
            unsyncedDirectory.withLock { $0 = nil }
        }
    }

    package func md5(length: UInt64) throws(SpoolError) -> [UInt8] { try md5(of: 0..<length) }

    /// Reads 1 MiB at a time, so memory does not grow with the file.
    package func md5(of range: Range<UInt64>) throws(SpoolError) -> [UInt8] {
        var digest = MD5Digest()
        var buffer = [UInt8](repeating: 0, count: min(range.count, Int(Self.chunk)))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = Int(min(range.upperBound - offset, Self.chunk))
            let got: Int
            do throws(HostError) { got = try file.read(into: &buffer, at: offset) } catch {
                throw error.spoolError
            }
            guard got >= wanted else {
                // ENODATA, errno.h: the file ends before the range does.
                throw .failed(operation: "digest \(file.path)", errno: 61)
            }
            digest.update(buffer.span.extracting(0..<wanted))
            offset += UInt64(wanted)
        }
        return digest.finalize()
    }

    package func punchHole(_ range: Range<UInt64>) throws(SpoolError) {
        try asSpoolOperation { () throws(HostError) in try file.punchHole(range) }
    }

    package func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(SpoolError) {
        try asSpoolOperation { () throws(HostError) in
            try file.allocate(range, keepSize: keepSize)
        }
    }

    package func seek(from offset: UInt64, hole: Bool) throws(SpoolError) -> UInt64? {
        try asSpoolOperation { () throws(HostError) in try file.seek(from: offset, hole: hole) }
    }

    /// Files of one filesystem that can share bytes do, so that even a large copy takes no time.
    package func copy(to target: any SpoolFile, length: UInt64) throws(SpoolError) {
        guard let target = target as? HostSpoolFile else {
            // ENOTSUP, errno.h: a spool has files of one kind.
            throw .failed(operation: "copy \(file.path)", errno: 95)
        }
        try asSpoolOperation { () throws(HostError) in
            try file.copy(to: target.file, count: length)
        }
    }

    package func allocatedBytes() throws(SpoolError) -> UInt64 {
        try asSpoolOperation { () throws(HostError) in try file.status().allocated }
    }

    /// Bytes: large enough that the system calls cost nothing, small enough for a cache.
    private static let chunk: UInt64 = 1 << 20
}
