/// One file as it was read, with what decides whether it may be trusted.
package struct FileContent: Equatable, Sendable {
    package var bytes: [UInt8]
    /// Permission bits: 0 ... 0o7777.
    package var permissions: UInt32
    package init(bytes: [UInt8], permissions: UInt32) {
        self.bytes = bytes
        self.permissions = permissions
    }
}

package enum FileAnswer: Equatable, Sendable {
    case content(FileContent)
    case absent
    /// Not readable; the text is the reason, as strerror(3) words it.
    case failed(String)
    /// Longer than the caller's limit.
    case tooLong
}

package enum DirectoryAnswer: Equatable, Sendable {
    /// A directory; the path is absolute and without symlinks (realpath(3)).
    case directory(realPath: String)
    case notDirectory
    case absent
    /// ENOTCONN: the mount point of a FUSE server that died.
    case dead
    case failed(String)
}

/// A mount as the kernel's table has it. Source: proc_pid_mountinfo(5).
package struct MountTableEntry: Equatable, Sendable {
    /// `fuse.rgwfs`, `ext4`.
    package var type: String
    package var source: String
    package init(type: String, source: String) {
        self.type = type
        self.source = source
    }

    package var isRGWFS: Bool { type == "fuse.rgwfs" || type == "rgwfs" }
}

/// What the machine tells a mount before it exists: the only way in for files, variables and
/// identities, so that everything in RGWMount runs on values in tests.
package protocol MountEnvironment: Sendable {
    /// An environment variable; nil when it is not set.
    func variable(_ name: String) -> String?
    /// At most `limit` bytes.
    func readFile(_ path: String, limit: Int) -> FileAnswer
    func directory(_ path: String) -> DirectoryAnswer
    /// The topmost mount at a real, absolute path.
    func mount(at path: String) -> MountTableEntry?
    /// The process's real user and group.
    var userID: UInt32 { get }
    var groupID: UInt32 { get }
    var workingDirectory: String { get }
    var hostName: String { get }
}

extension MountEnvironment {
    /// A path made absolute, without empty and `.` parts; `~/` stands for the home directory.
    func absolute(_ path: String) -> String {
        var whole = path
        if path == "~" || path.utf8.starts(with: "~/".utf8), let home = variable("HOME") {
            whole = home + path.dropFirst()
        } else if path.utf8.first != 0x2F {
            whole = workingDirectory + "/" + path
        }
        let parts = whole.split(separator: "/").filter { $0 != "." }
        return "/" + parts.joined(separator: "/")
    }
}
