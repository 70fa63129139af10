import CRGWFuse
import Glibc
import RGWBase
import RGWVFS

/// libfuse's table of operations: each entry turns C's arguments into values, calls the
/// filesystem, and hands it the reply. The answers' way back is in FuseAnswers.
///
/// Entries left empty, because what libfuse (ENOSYS) and the kernel then do is right:
/// - getlk, setlk, flock: locks are kept by the kernel, local to the machine.
/// - access: with default_permissions the kernel checks; else ENOSYS means "allowed".
/// - ioctl (ENOTTY), poll (always ready), bmap (block devices only).
/// - write_buf, retrieve_reply: would need splice or stores into the page cache.
/// - destroy: sent to filesystems on block devices only; the end of `FuseSession.run` says the
///   same.
enum FuseOperations {
    static func table() -> fuse_lowlevel_ops {
        var table = fuse_lowlevel_ops()
        addSession(&table)
        addNames(&table)
        addAttributes(&table)
        addFiles(&table)
        addDirectories(&table)
        return table
    }

    private static func addSession(_ table: inout fuse_lowlevel_ops) {
        // SAFETY: userdata is the context of the session that calls, and lives as long as it.
        unsafe table.`init` = { userdata, connection in
            guard let userdata = unsafe userdata, let connection = unsafe connection else { return }
            unsafe Unmanaged<FuseContext>.fromOpaque(userdata)._withUnsafeGuaranteedRef { context in
                unsafe FuseConnection.negotiate(
                    &connection.pointee, readAheadBytes: context.readAheadBytes,
                    tellsPrivileges: context.tellsPrivileges)
                context.onReady()
            }
        }
        unsafe table.statfs = { request, _ in
            unsafe FuseRequest.serve(request, .statfs) {
                $0.fileSystem.statfs($1.promise($0, FuseAnswers.statistics))
            }
        }
    }
}
