/// One line of `/proc/self/mountinfo`.
package struct HostMount: Equatable, Sendable {
    package var deviceMajor: UInt32
    package var deviceMinor: UInt32
    package var mountPoint: String
    /// For example `fuse.rgwfs`.
    package var type: String
    package var source: String
    /// FUSE: who mounted it; nil for other file systems. Source: mount.fuse3(8), user_id.
    package var user: UInt32?
    package var isReadOnly = false
}
