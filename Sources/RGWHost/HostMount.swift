/// One line of `/proc/self/mountinfo`.
package struct HostMount: Equatable, Sendable {
    package var deviceMajor: UInt32
    package var deviceMinor: UInt32
    package var mountPoint: String
    /// For example `fuse.rgwfs`.
    package var type: String
    package var source: String
}
