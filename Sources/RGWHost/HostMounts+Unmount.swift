import CRGWHost

extension HostMounts {
    /// `forced` fails the requests that wait for the filesystem, `lazily` takes the name away at once. A
    /// symbolic link is not followed. Source: umount2(2).
    package static func unmount(_ path: String, forced: Bool, lazily: Bool) throws(HostError) {
        // SAFETY: the path is NUL-terminated and lives for the call.
        let result = unsafe CRGWHost_unmount_with(path, forced ? 1 : 0, lazily ? 1 : 0)
        try checked(result, "umount", path)
    }
}
