/// The options that belong to mount(8) itself. Source: mount(8), FILESYSTEM-INDEPENDENT MOUNT
/// OPTIONS.
enum GenericMountOption {
    enum Meaning: Equatable {
        /// Read by mount(8), systemd or fstab tools; nothing for us to do.
        case ignored
        /// Handed to the kernel.
        case kernel
        case readOnly(Bool)
    }

    /// Nil: not a generic option.
    static func meaning(of item: OptionList.Item) -> Meaning? {
        let name = item.name
        if name.utf8.starts(with: "x-".utf8) || name.utf8.starts(with: "X-".utf8) {
            return .ignored
        }
        if valued.contains(name) { return .ignored }
        guard item.value == nil else { return nil }
        switch name {
        case "ro": return .readOnly(true)
        case "rw": return .readOnly(false)
        default: break
        }
        if kernel.contains(name) { return .kernel }
        return ignored.contains(name) ? .ignored : nil
    }

    static let names: [String] = ["ro", "rw"] + kernel + ignored + valued

    /// What libfuse 3.14 turns into flags of mount(2). Source: libfuse, lib/mount.c, `mount_flags`.
    private static let kernel = [
        "nodev", "dev", "nosuid", "suid", "noexec", "exec", "noatime", "dirsync",
        "async",
    ]
    /// The last two lines keep access times, which FUSE leaves to the file system: no effect here.
    private static let ignored = [
        "defaults", "auto", "noauto", "nouser", "users", "nousers", "owner", "noowner",
        "group", "nogroup", "nofail", "_netdev", "silent", "loud", "iversion", "noiversion",
        "atime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime",
        "lazytime",
        "nolazytime",
    ]
    /// With or without `=text`: mount(8) itself adds `user=NAME`.
    private static let valued = ["comment", "user", "uhelper", "helper"]
}
