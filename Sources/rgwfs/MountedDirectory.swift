import RGWHost
import RGWMount

/// What the outside can ask a mount: extended attributes of its root.
enum MountedDirectory {
    /// Nil: not the root of an rgwfs mount that lives. Waits as long as the mount does.
    static func status(of directory: String) -> MountStatus? {
        MountStatus { try? HostAttributes.text($0.rawValue, of: directory) }
    }

    /// Where its changes wait; nil where the mount does not tell.
    static func spool(of directory: String) -> String? {
        try? HostAttributes.text("user.rgwfs.spool", of: directory)
    }
}
