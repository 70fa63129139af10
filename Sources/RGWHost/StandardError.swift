import CRGWHost
import RGWBase

/// The process's standard error stream.
package enum StandardError {
    /// Two paths of 4,096 bytes and what is said of them.
    private static let lengthMax = 10_000

    /// One line, whatever names and servers say, in one write. Its errors go nowhere: there is no other place to
    /// tell.
    package static func print(_ line: String) {
        let line = LineText.escaped(line, max: lengthMax)
        let bytes = Array("\(line)\n".utf8)
        // SAFETY: the array lives for the call and its count goes with it.
        _ = unsafe CRGWHost_write(2, bytes, bytes.count)
    }
}
