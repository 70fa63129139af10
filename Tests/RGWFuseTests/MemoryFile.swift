import Glibc
import RGWObject
import RGWSpool

/// A spool file in memory: a file of tmpfs without a name.
// SAFETY: the descriptor is opened in `init` and closed in `deinit`; pread and pwrite need no lock.
final class MemoryFile: SpoolFile {
    let descriptor: Int32

    init() {
        var template = Array("/dev/shm/rgwfuse-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        precondition(descriptor >= 0, "mkstemp: \(errno)")
        _ = unsafe unlink(template)
    }

    deinit { close(descriptor) }

    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(SpoolError) {
        let written = unsafe bytes.withUnsafeBytes {
            unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset))
        }
        guard written == bytes.count else { throw .failed(operation: "pwrite", errno: errno) }
    }

    func read(at offset: UInt64, count: Int) throws(SpoolError) -> [UInt8] {
        var got = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, size in
            got = unsafe pread(descriptor, buffer.baseAddress, count, off_t(offset))
            size = max(got, 0)
        }
        guard got >= 0 else { throw .failed(operation: "pread", errno: errno) }
        return bytes
    }

    func truncate(to size: UInt64) throws(SpoolError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else {
            throw .failed(operation: "ftruncate", errno: errno)
        }
    }

    func size() throws(SpoolError) -> UInt64 { UInt64(lseek(descriptor, 0, SEEK_END)) }
    func sync() throws(SpoolError) {}
    func md5(length: UInt64) throws(SpoolError) -> [UInt8] { [] }
    func md5(of range: Range<UInt64>) throws(SpoolError) -> [UInt8] { [] }
    func punchHole(_ range: Range<UInt64>) throws(SpoolError) {}
    func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(SpoolError) {}
    func seek(from offset: UInt64, hole: Bool) throws(SpoolError) -> UInt64? { nil }
}
