import CRGWHost

extension HostMounts {
    /// By the names that `/proc/self/mountinfo` shows. Source: sys/mount.h, mount(2).
    private static let bits: [String: UInt64] = [
        "ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "sync": 16, "dirsync": 128, "noatime": 1024,
    ]

    /// Changes the flags of a mount: those of `flags` are set, the others of `bits` are cleared but for what belongs
    /// to the file system itself, which stays. EBUSY: it shall become read-only and a file is
    /// open for writing. Source: mount(2), "Remounting an existing mount".
    package static func remount(_ mount: HostMount, flags: Set<String>) throws(HostError) {
        let kept = mount.options.filter { $0 == "sync" || $0 == "dirsync" }
        let word = flags.union(kept).reduce(UInt64(0)) { $0 | (bits[$1] ?? 0) }
        // SAFETY: the path is NUL-terminated and lives for the call.
        try checked(unsafe CRGWHost_remount(mount.mountPoint, word), "mount", mount.mountPoint)
    }
}
