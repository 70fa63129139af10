import RGWVFS

/// What `mount -o remount` changes: the options that were given, over the settings of a mount that
/// serves. Pure.
///
/// mount(8) passes everything that fstab or the mount table says along with what was asked for, so
/// naming a value that is the same is no change. What cannot change is refused by name, and then
/// nothing is changed.
package struct Remount: Sendable {
    /// Options that may change at run time: no part of the program keeps a copy of them.
    package static let changeable: Set<String> = [
        "acregmin", "acregmax", "acdirmin", "acdirmax", "actimeo", "cto", "nocto", "lookupcache",
        "memory", "readahead", "uploads", "writeback_delay", "writeback_max_delay",
        "drain_timeout", "log_level",
    ]

    package let settings: MountSettings
    /// What was changed, in the order of the options; each once.
    package private(set) var changed: [String] = []

    /// `uploadsMax`: for how many uploads the mount was made.
    package init(
        _ texts: [String], over current: MountSettings, uploadsMax: Int, sloppy: Bool,
        mountingUser: UInt32
    ) throws(OptionError) {
        var new = current
        new.given = []
        new.warnings = []
        for item in texts.flatMap(OptionList.items) {
            if try Self.isSettled(item, current, mountingUser) { continue }
            var next = new
            try OptionReader.apply(item, to: &next, sloppy: sloppy)
            // Told by the URL, which is compared itself.
            next.hasScheme = new.hasScheme
            if !next.says(the: new) {
                let name = OptionTable.byName[item.name]?.name ?? item.name
                guard Self.changeable.contains(name) else { throw .fixed(name: name, reason: nil) }
                if !changed.contains(name) { changed.append(name) }
            }
            new = next
        }
        let limit = max(uploadsMax, current.volume.uploadsMax)
        guard new.volume.uploadsMax <= limit else {
            throw .fixed(
                name: "uploads=\(new.volume.uploadsMax)",
                reason: "this mount was made for at most \(limit)")
        }
        var checked = new
        try OptionReader.check(&checked)
        // Those of options that have not changed were told by the mount.
        checked.warnings = new.warnings
        settings = checked
    }

    /// Options that are not settings: `remount` itself, what the kernel shows of a FUSE mount, and
    /// what it keeps, which `KernelFlags` changes.
    private static func isSettled(
        _ item: OptionList.Item, _ current: MountSettings, _ mountingUser: UInt32
    ) throws(OptionError) -> Bool {
        switch item.name {
        case "remount", "user_id", "group_id", "rootmode", "fd", "max_read", "blksize": return true
        // The kernel says so of allow_root too.
        case "allow_other" where item.value == nil:
            return current.allowsOther(mountingUser: mountingUser) || current.allowsRoot
        case "rw":
            guard !current.volume.readOnly else {
                throw .fixed(name: "rw", reason: "what was mounted ro has no place for changes")
            }
            return true
        case "ro": return true
        case "dirsync": return current.volume.namesAreSynchronous
        default: return KernelFlags.names.contains(item.name)
        }
    }
}

extension MountSettings {
    /// Apart from how it came to be.
    fileprivate func says(the other: MountSettings) -> Bool {
        var (mine, theirs) = (self, other)
        for path in [\MountSettings.kernelOptions, \.warnings] {
            mine[keyPath: path] = []
            theirs[keyPath: path] = []
        }
        mine.given = []
        theirs.given = []
        return mine == theirs
    }
}

/// The flags of mount(2) that a mount has, by the names that `/proc/self/mountinfo` shows.
package struct KernelFlags: Equatable, Sendable {
    /// Which flag a name sets or clears. Source: mount(8), FILESYSTEM-INDEPENDENT MOUNT OPTIONS.
    private static let meanings: [String: (flag: String, isOn: Bool)] = [
        "ro": ("ro", true), "rw": ("ro", false),
        "nosuid": ("nosuid", true), "suid": ("nosuid", false),
        "nodev": ("nodev", true), "dev": ("nodev", false),
        "noexec": ("noexec", true), "exec": ("noexec", false),
        "noatime": ("noatime", true),
    ]
    static let names = Set(meanings.keys)

    package private(set) var names: Set<String>

    /// `shown`: what the kernel's table says.
    package init(shown: [String]) { names = Set(shown.filter { Self.meanings[$0]?.isOn == true }) }

    /// What is not named stays as it is.
    package func applying(_ arguments: MountArguments) -> KernelFlags {
        var result = self
        for item in arguments.optionTexts.flatMap(OptionList.items) where item.value == nil {
            guard let (flag, isOn) = Self.meanings[item.name] else { continue }
            if isOn { result.names.insert(flag) } else { result.names.remove(flag) }
        }
        return result
    }
}

extension MountArguments {
    package var isRemount: Bool {
        optionTexts.contains { text in
            OptionList.items(text).contains { $0.name == "remount" && $0.value == nil }
        }
    }
}
