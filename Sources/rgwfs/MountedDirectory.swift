import RGWHost
import RGWMount

/// What the outside can ask a mount: extended attributes of its root.
enum MountedDirectory {
    /// Nil: not the root of an rgwfs mount. Waits as long as the mount does.
    static func status(of directory: String) throws(HostError) -> MountStatus? {
        // ENOTCONN and the like are the caller's to tell; a missing attribute is an answer.
        do throws(HostError) {
            _ = try HostNames.status(directory)
        } catch { throw error }
        return MountStatus { try? HostAttributes.text($0.rawValue, of: directory) }
    }

    /// Where its changes wait; nil where the mount does not tell.
    static func spool(of directory: String) -> String? {
        try? HostAttributes.text("user.rgwfs.spool", of: directory)
    }
}
