/// How to mount: libfuse's and mount(8)'s options as values.
package struct FuseOptions: Sendable, Equatable {
    /// The per-mount flags that libfuse 3.14 hands to mount(2). Source: mount(8), mount.fuse3(8).
    package enum Flag: String, Sendable, CaseIterable {
        case suid, nosuid, dev, nodev, exec, noexec, sync, async, dirsync, noatime
    }

    /// Users other than the one who mounted may enter. Source: mount.fuse3(8).
    package var allowOther = false
    /// Only root and the one who mounted may enter; excludes `allowOther`.
    package var allowRoot = false
    /// The kernel checks mode and owner, so the filesystem need not.
    package var defaultPermissions = true
    package var readOnly = false
    /// In order; a later one overrides an earlier one. libfuse starts from nosuid,nodev.
    package var flags: [Flag] = []
    /// Threads that receive requests. An answer that waits for the network holds none, so few
    /// suffice; at least 4, because an answer from the spool does block its thread.
    package var threadsMax = 8
    /// Bytes the kernel reads ahead of a sequential reader of cached files. Linux gives FUSE 128
    /// KiB, which also cuts reads into requests of that size. Only root can change it; others keep
    /// Linux's.
    package var readAheadBytes = 1 << 20

    package static let threadsMin = 4

    package init() {}

    /// The argument vector of `fuse_session_new`. Source: mount.fuse3(8).
    func arguments(source: String) -> [String] {
        var words = [
            "fsname=" + Self.escaped(source), "subtype=rgwfs",
            // Must be said to the kernel here as well as in INIT. Source: fuse_common.h, max_read.
            "max_read=\(FuseConnection.requestBytesMax)",
        ]
        if defaultPermissions { words.append("default_permissions") }
        if allowOther { words.append("allow_other") }
        if allowRoot { words.append("allow_root") }
        words += flags.map(\.rawValue)
        words.append(readOnly ? "ro" : "rw")
        return ["rgwfs"] + words.flatMap { ["-o", $0] }
    }

    /// In an option list a comma separates and a backslash escapes. Source: fuse_opt.h.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            if character == "," || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return result
    }
}
