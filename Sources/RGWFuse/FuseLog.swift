import CRGWFuse
import Glibc
import Synchronization

/// libfuse's own messages, which otherwise go to standard error beside the program's sentences.
///
/// Guarded by `sink`, which is global because libfuse has one log function for the process.
package enum FuseLog {
    private static let sink = Mutex<(@Sendable (String) -> Void)?>(nil)
    /// Bytes; libfuse's messages are one line.
    private static let lengthMax = 512

    /// From now on each message, one line without its end, goes to `receive`, on any thread.
    package static func redirect(to receive: @escaping @Sendable (String) -> Void) {
        sink.withLock { $0 = receive }
        // SAFETY: libfuse passes a format and the arguments that fit it, for the duration of the
        // call.
        unsafe fuse_set_log_func { _, format, arguments in
            guard let format = unsafe format, let arguments = unsafe arguments else { return }
            var text = [CChar](repeating: 0, count: FuseLog.lengthMax)
            let count = unsafe vsnprintf(&text, text.count, format, arguments)
            let bytes = text.prefix(max(0, min(Int(count), text.count - 1)))
            var line = String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if line.last == "\n" { line.removeLast() }
            FuseLog.sink.withLock { $0 }?(line)
        }
    }
}
