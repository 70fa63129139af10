import RGWHost
import RGWMount

/// What the outside can ask a mount: extended attributes of its root.
enum MountedDirectory {
    /// Nil: not the root of an rgwfs mount that lives. Waits as long as the mount does.
    static func status(of directory: String) -> MountStatus? {
        MountStatus { attribute in
            // Whatever the reason is: what does not answer this is no mount that lives.
            let text = try? HostAttributes.text(attribute.rawValue, of: directory)
            return text
        }
    }

    /// Where its changes wait; nil where the mount does not tell.
    static func spool(of directory: String) -> String? {
        let path = try? HostAttributes.text("user.rgwfs.spool", of: directory)
        return path
    }
}
