import CRGWHost

/// The system's log. Source: syslog(3).
package enum SystemLog {
    /// Severities of syslog(3) that rgwfs uses.
    package enum Severity: Int32, Sendable {
        case error = 3
        case warning = 4
        case info = 6
        case debug = 7
    }

    /// One line.
    package static func write(_ severity: Severity, _ line: String) {
        // SAFETY: the text is NUL-terminated, is not a format, and lives for the call.
        unsafe CRGWHost_log(severity.rawValue, line)
    }
}

extension StandardError {
    /// Text as it is, without a line's end: for a line that is written over again.
    package static func write(_ text: String) {
        let bytes = Array(text.utf8)
        // SAFETY: the array lives for the call and its count goes with it.
        _ = unsafe CRGWHost_write(2, bytes, bytes.count)
    }
}

/// Standard output.
package enum StandardOutput {
    /// Text as it is. Its errors go nowhere: a reader that left needs nothing more.
    package static func write(_ text: String) {
        let bytes = Array(text.utf8)
        // SAFETY: the array lives for the call and its count goes with it.
        _ = unsafe CRGWHost_write(1, bytes, bytes.count)
    }
}
