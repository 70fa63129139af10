import CRGWHost

/// A pipe, both ends closed on exec and when the value dies. Source: pipe2(2).
struct HostPipe: ~Copyable, Sendable {
    let reader: HostDescriptor
    let writer: HostDescriptor

    init() throws(HostError) {
        var read: Int32 = -1
        var write: Int32 = -1
        // SAFETY: both integers outlive the call.
        try checked(unsafe CRGWHost_pipe(&read, &write), "pipe")
        reader = HostDescriptor(adopting: read, path: "pipe")
        writer = HostDescriptor(adopting: write, path: "pipe")
    }

    /// Closes the other end.
    consuming func onlyReader() -> HostDescriptor { reader }
    /// Closes the other end.
    consuming func onlyWriter() -> HostDescriptor { writer }
}
