/// A file system's device number: the same for every mount of it, in every mount namespace.
package struct HostDevice: Hashable, Sendable, CustomStringConvertible {
    package var major: UInt32
    package var minor: UInt32

    package init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// As `/proc` writes it: `0:53`.
    package var description: String { "\(major):\(minor)" }
}

/// One line of `/proc/self/mountinfo`.
package struct HostMount: Equatable, Sendable {
    package var device: HostDevice
    /// What of the file system is mounted: `/`, or for a bind mount what was bound.
    package var root = "/"
    package var mountPoint: String
    /// For example `fuse.rgwfs`.
    package var type: String
    package var source: String
    /// FUSE: who mounted it; nil for other file systems. Source: mount.fuse3(8), user_id.
    package var user: UInt32?
    package var isReadOnly = false
    /// Flags of the mount, and of its file system in general: `rw`, `nosuid`, `relatime`.
    package var options: [String] = []

    package var isRGWFS: Bool { type == "fuse.rgwfs" }
}
