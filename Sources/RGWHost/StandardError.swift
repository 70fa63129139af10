import CRGWHost

/// The process's standard error stream.
package enum StandardError {
    /// One line, in one write. Its errors go nowhere: there is no other place to tell.
    package static func print(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        // SAFETY: the array lives for the call and its count goes with it.
        _ = unsafe CRGWHost_write(2, bytes, bytes.count)
    }
}
