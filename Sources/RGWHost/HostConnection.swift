import CRGWHost
import RGWBase
import Synchronization

/// One stream of lines to another process of this machine. Source: unix(7).
///
/// Owns the descriptor. One thread at a time reads; `hangUp` may come from any.
package final class HostConnection: Sendable {
    private let socket: HostDescriptor
    /// Received and not yet read as lines. Guarded by the mutex.
    private let buffer = Mutex<[UInt8]>([])

    init(_ socket: consuming HostDescriptor) { self.socket = socket }

    /// To the socket `name` in `directory`; ENOENT or ECONNREFUSED where nobody listens.
    package convenience init(directory: String, name: String) throws(HostError) {
        let path = "\(directory)/\(name)"
        // SAFETY: both texts are NUL-terminated and live for the call.
        let number = unsafe CRGWHost_connect(directory, name)
        self.init(HostDescriptor(adopting: try checked(number, "connect", path), path: path))
    }

    /// The effective user of the other side, as the kernel has it.
    package func peerUser() throws(HostError) -> UInt32 {
        var user: UInt32 = 0
        // SAFETY: the integer outlives the call.
        try checked(unsafe CRGWHost_peer_user(socket.number, &user), "getsockopt", socket.path)
        return user
    }

    /// The next line without its end; nil: the other side has closed. ETIMEDOUT when nothing comes
    /// for `time` (nil: wait for ever), EMSGSIZE when a line is longer than `limit`.
    package func readLine(limit: Int, within time: Duration?) throws(HostError) -> [UInt8]? {
        while true {
            let line = nextLine()
            guard line?.count ?? buffer.withLock({ $0.count }) <= limit else {
                throw HostError("read", path: socket.path, errno: 90)
            }
            if let line { return line }
            let more = try receive(within: time)
            // A line that was cut off is no line.
            if more.isEmpty { return nil }
            buffer.withLock { $0 += more }
        }
    }

    private func nextLine() -> [UInt8]? {
        buffer.withLock { buffer in
            guard let end = buffer.firstIndex(of: 0x0A) else { return nil }
            let line = Array(buffer[..<end])
            buffer.removeFirst(end + 1)
            return line
        }
    }

    private func receive(within time: Duration?) throws(HostError) -> [UInt8] {
        let milliseconds = time.map { Int32(clamping: max(0, $0.inNanoseconds) / 1_000_000) } ?? -1
        var result: Int64 = 0
        // SAFETY: at most the buffer's size is written, and `result` says how much was.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            result = unsafe CRGWHost_receive(socket.number, base, buffer.count, milliseconds)
            filled = max(0, Int(result))
        }
        try checked(result, "read", socket.path)
        return bytes
    }

    /// The text and a line's end. ETIMEDOUT when the other side takes nothing for ten seconds.
    package func writeLine(_ text: String) throws(HostError) { try write("\(text)\n") }

    /// ETIMEDOUT as above.
    package func write(_ text: String) throws(HostError) {
        let bytes = Array(text.utf8)
        // SAFETY: the array lives for the call and its count goes with it.
        let result = unsafe CRGWHost_send(socket.number, bytes, bytes.count, 10_000)
        try checked(result, "write", socket.path)
    }

    /// Whoever waits on it, on either side, goes on.
    package func hangUp() {
        // The other side may have gone already; then there is nothing to end.
        _ = CRGWHost_hang_up(socket.number)
    }
}
