package import RGWBase
import RGWVFS
import Synchronization

/// The kernel's requests that are answered by the file system.
package enum FuseOperation: Int, Sendable, CaseIterable {
    case lookup, forget, forgetMulti, getattr, setattr, readlink, mknod, mkdir, unlink, rmdir
    case symlink, rename, link, open, read, write, statfs, release, fsync, setxattr, getxattr
    case listxattr, removexattr, flush, opendir, readdir, readdirplus, releasedir, fsyncdir
    case create, fallocate, copyFileRange, lseek

    /// As fuse(4) and libfuse have it.
    package var name: String {
        switch self {
        case .forgetMulti: "forget_multi"
        case .copyFileRange: "copy_file_range"
        default: "\(self)"
        }
    }
}

/// Counts the kernel's requests: how long each took until its answer, and what was refused.
///
/// Any thread may count. Failures are guarded by their mutex, which is held for one addition.
package final class FuseMeter: Sendable {
    package struct Failure: Hashable, Sendable {
        package let operation: FuseOperation
        /// Positive, as in errno(3).
        package let errno: Int32
    }

    private let clock: any Clock
    private let counters = FuseOperation.allCases.map { _ in LatencyCounter() }
    private let failed = Mutex<[Failure: UInt64]>([:])

    package init(clock: any Clock) { self.clock = clock }

    func now() -> Instant { clock.now() }

    func note(_ operation: FuseOperation, since started: Instant) {
        counters[operation.rawValue].note(clock.now() - started)
    }

    func note(_ operation: FuseOperation, since started: Instant, failed error: FileSystemError) {
        note(operation, since: started)
        let failure = Failure(operation: operation, errno: error.errno)
        failed.withLock { $0[failure, default: 0] += 1 }
    }

    package func latencies(of operation: FuseOperation) -> Latencies {
        counters[operation.rawValue].latencies
    }

    package var failures: [Failure: UInt64] { failed.withLock { $0 } }
}
