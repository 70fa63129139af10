import RGWHost

/// Our line in libmount's table of user-space options, /run/mount/utab.
///
/// umount(8) calls /sbin/umount.fuse.rgwfs only when it has read the mount table; without a line
/// there it takes a short cut through statfs(2), which knows the type `fuse` only, and would not
/// drain.
/// Source: util-linux 2.38, libmount/src/context_umount.c, `lookup_umount_fs_by_statfs`.
enum UserMountTable {
    /// False: the line could not be written; umount(8) will not wait for uploads then, but the
    /// process still goes on uploading. Only root's table exists.
    static func add(source: String, mountPoint: String) -> Bool {
        guard HostProcess.effectiveUser == 0 else { return true }
        // -i: no helper, -f: no mount(2), -c: paths as they are.
        return run(
            "mount", ["-ifc", "-tfuse.rgwfs", "-ouhelper=fuse.rgwfs", source, mountPoint])
    }

    /// After the unmount. A line that stays is harmless: it only makes umount(8) look twice.
    static func remove(mountPoint: String) -> Bool {
        guard HostProcess.effectiveUser == 0 else { return true }
        return run("umount", ["-i", "--fake", mountPoint])
    }

    private static func run(_ program: String, _ arguments: [String]) -> Bool {
        do throws(HostError) {
            return try HostChild.run(program, arguments, quietly: true).wait() == 0
        } catch { return false }
    }
}
