import CRGWHost

/// What is mounted where, asked without touching a mount: `stat` on a dead FUSE mount would wait.
package enum HostMounts {
    /// In the order of mounting. Source: proc_pid_mountinfo(5).
    package static func list() throws(HostError) -> [HostMount] {
        let path = "/proc/self/mountinfo"
        let text = try HostFile.read(path, limit: 16 << 20)?.bytes ?? []
        return parse(String(decoding: text, as: UTF8.self))
    }

    /// The topmost mount exactly at `path`, which is absolute and without symbolic links.
    package static func mount(at path: String) throws(HostError) -> HostMount? {
        try list().last { $0.mountPoint == path }
    }

    /// The mount that `path`, absolute and without symbolic links, is on.
    package static func mount(of path: String) throws(HostError) -> HostMount? {
        var found: HostMount?
        for mount in try list() {
            let point = mount.mountPoint
            guard point == "/" || path == point || path.hasPrefix("\(point)/"),
                found.map({ $0.mountPoint.utf8.count <= point.utf8.count }) ?? true
            else { continue }
            found = mount
        }
        return found
    }

    /// `lazily` takes the name away at once and the rest when nobody uses it. Source: umount2(2).
    package static func unmount(_ path: String, lazily: Bool) throws(HostError) {
        // SAFETY: the path is NUL-terminated and lives for the call.
        try checked(unsafe CRGWHost_unmount(path, lazily ? 1 : 0), "umount", path)
    }

    /// Lines that are not understood are left out: new kernels may add some.
    static func parse(_ text: String) -> [HostMount] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            // Optional fields end at a lone hyphen; the type and the source follow it.
            guard fields.count > 6, let hyphen = fields[6...].firstIndex(of: "-"),
                fields.count > hyphen + 2
            else { return nil }
            let device = fields[2].split(separator: ":").map { UInt32($0) }
            guard device.count == 2, let major = device[0], let minor = device[1] else {
                return nil
            }
            return HostMount(
                device: HostDevice(major: major, minor: minor), root: unescaped(fields[3]),
                mountPoint: unescaped(fields[4]),
                type: String(fields[hyphen + 1]), source: unescaped(fields[hyphen + 2]),
                user: user(fields.dropFirst(hyphen + 3).first),
                isReadOnly: fields[5].split(separator: ",").contains("ro"),
                options: options(fields[5], fields.dropFirst(hyphen + 3).first))
        }
    }

    private static func options(_ texts: Substring?...) -> [String] {
        texts.flatMap { $0?.split(separator: ",").map(String.init) ?? [] }
    }

    /// Of the file system's own options: `rw,user_id=1000,group_id=1000`.
    private static func user(_ options: Substring?) -> UInt32? {
        let option = options?.split(separator: ",").first { $0.hasPrefix("user_id=") }
        return option.flatMap { UInt32($0.dropFirst(8)) }
    }

    /// Space, tab, newline and backslash are written as three octal digits after a backslash.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let first = rest.popFirst() {
            if first == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(first)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
