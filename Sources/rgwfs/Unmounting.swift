import RGWHost

/// Takes a mount out of the tree: by system call for root, through fusermount3 for others.
enum Unmounting {
    /// EBUSY when a program uses it and it is not `lazily` done.
    static func unmount(_ path: String, forced: Bool, lazily: Bool) throws(HostError) {
        if HostProcess.effectiveUser == 0 {
            return try HostMounts.unmount(path, forced: forced, lazily: lazily)
        }
        let options = lazily ? ["-u", "-z", path] : ["-u", path]
        let before = try HostMounts.mount(at: path)
        // It says little, and in words of its own.
        let status = try HostChild.run("fusermount3", options, quietly: true).wait()
        if status == 0 { return }
        // EBUSY and EPERM, errno.h: a mount of one's own can be unmounted unless it is in use.
        let isMine = before?.user == HostProcess.effectiveUser
        throw HostError("fusermount3 -u", path: path, errno: isMine ? 16 : 1)
    }
}
