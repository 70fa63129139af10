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

/// Lets closures and several owners hold what cannot be copied.
final class Shared<Value: ~Copyable & Sendable>: Sendable {
    let value: Value
    init(_ value: consuming Value) { self.value = value }
}

/// The process's standard error stream.
package enum StandardError {
    /// One line, in one write. Its errors go nowhere: there is no other place to tell.
    package static func print(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        // SAFETY: the array lives for the call and its count goes with it.
        _ = unsafe CRGWHost_write(2, bytes, bytes.count)
    }
}
