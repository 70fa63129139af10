import RGWHost

/// Takes a mount out of the tree: by system call for root, through fusermount3 for others.
enum Unmounting {
    /// EBUSY when a program uses it and it is not `lazily` done. fusermount3(1) has said why it
    /// failed.
    static func unmount(_ path: String, forced: Bool, lazily: Bool) throws(HostError) {
        if HostProcess.effectiveUser == 0 {
            return try HostMounts.unmount(path, forced: forced, lazily: lazily)
        }
        let options = lazily ? ["-u", "-z", path] : ["-u", path]
        let status = try HostChild.run("fusermount3", options).wait()
        // EPERM, errno.h.
        guard status == 0 else { throw HostError("fusermount3", path: path, errno: 1) }
    }
}
