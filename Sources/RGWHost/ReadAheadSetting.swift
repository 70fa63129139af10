/// The kernel's read-ahead for one mount; FUSE's own default is 128 KiB.
package enum ReadAheadSetting {
    /// False: there is no such setting here, or this user may not change it.
    /// Source: Documentation/ABI/testing/sysfs-class-bdi, read_ahead_kb.
    package static func apply(kibibytes: Int, mountPoint: String) throws(HostError) -> Bool {
        guard let mount = try HostMounts.mount(at: mountPoint) else { return false }
        let path = path(of: mount)
        do throws(HostError) { try HostFile.store("\(kibibytes)\n", into: path) } catch {
            // EPERM, ENOENT, EACCES, EROFS (a container's /sys).
            guard [1, 2, 13, 30].contains(error.errno) else { throw error }
            return false
        }
        return true
    }

    static func path(of mount: HostMount) -> String {
        "/sys/class/bdi/\(mount.deviceMajor):\(mount.deviceMinor)/read_ahead_kb"
    }
}
