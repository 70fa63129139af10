import CRGWHost

/// How a file is opened; O_CLOEXEC always is. Source: open(2).
package struct HostOpenFlags: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }
    /// For reading and writing; without it, for reading only.
    package static let write = HostOpenFlags(rawValue: Int32(CRGWHost_open_write))
    package static let create = HostOpenFlags(rawValue: Int32(CRGWHost_open_create))
    package static let exclusive = HostOpenFlags(rawValue: Int32(CRGWHost_open_exclusive))
    package static let truncate = HostOpenFlags(rawValue: Int32(CRGWHost_open_truncate))
    package static let directory = HostOpenFlags(rawValue: Int32(CRGWHost_open_folder))
    /// Neither waits for a FIFO's other end nor takes a controlling terminal.
    package static let nonblocking = HostOpenFlags(
        rawValue: Int32(CRGWHost_open_nonblocking))
}
