import Foundation
import Synchronization

/// A request as it arrived, byte for byte.
struct ReceivedRequest: Sendable {
    var head = ""
    var body: [UInt8] = []

    /// Method and target.
    var line: String { head.split(separator: " ").prefix(2).joined(separator: " ") }

    func field(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }
}

/// One accepted connection; everything blocks, for ten seconds at most.
final class Connection: Sendable {
    let descriptor: Int32
    /// Counts from 0.
    let number: Int
    private let closed = Mutex(false)

    init(_ descriptor: Int32, number: Int) {
        self.descriptor = descriptor
        self.number = number
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        // SAFETY: the option takes a timeval of that size.
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    /// Up to `count` bytes; empty at the end.
    func read(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            // SAFETY: recv writes at most the buffer's size.
            filled = max(0, unsafe recv(descriptor, buffer.baseAddress, count, 0))
        }
    }

    func readHead() -> ReceivedRequest? {
        var bytes: [UInt8] = []
        while !bytes.reversed().starts(with: "\n\r\n\r".utf8) {
            let byte = read(1)
            guard !byte.isEmpty else { return nil }
            bytes += byte
        }
        return ReceivedRequest(head: String(decoding: bytes, as: UTF8.self))
    }

    /// Head and body by Content-Length; answers `100 Continue` where that is awaited.
    func readRequest() -> ReceivedRequest? {
        guard var request = readHead() else { return nil }
        let length = request.field("content-length").flatMap { Int($0) } ?? 0
        if request.field("expect") != nil { write("HTTP/1.1 100 Continue\r\n\r\n") }
        while request.body.count < length {
            let bytes = read(min(1 << 20, length - request.body.count))
            guard !bytes.isEmpty else { return nil }
            request.body += bytes
        }
        return request
    }

    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// False when the client is gone.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: send reads within the slice.
            let sent = unsafe rest.withUnsafeBytes { buffer in
                unsafe send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    func answer(_ status: Int, _ body: [UInt8] = []) {
        write(
            Array("HTTP/1.1 \(status) X\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
    }

    /// Ends with FIN.
    func close() {
        let open = closed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        if open { _ = Foundation.close(descriptor) }
    }

    /// Ends with RST.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        // SAFETY: the option takes a linger of that size.
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// A tiny HTTP server on a free port of 127.0.0.1, with a thread per connection.
final class LoopbackServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let state = Mutex((accepted: 0, requests: [ReceivedRequest]()))

    var connectionCount: Int { state.withLock(\.accepted) }
    var requests: [ReceivedRequest] { state.withLock(\.requests) }
    func note(_ request: ReceivedRequest) { state.withLock { $0.requests.append(request) } }

    /// `serve` runs once for each connection; it is closed when nobody holds it any more.
    init(_ serve: @escaping @Sendable (LoopbackServer, Connection) -> Void) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        // SAFETY: a sockaddr_in is a sockaddr of its own length.
        let ready = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard ready else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [weak self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0, let self else { break }
                let number = self.state.withLock { state in
                    defer { state.accepted += 1 }
                    return state.accepted
                }
                let connection = Connection(descriptor, number: number)
                Thread.detachNewThread { serve(self, connection) }
            }
            _ = Foundation.close(listener)
        }
    }

    deinit { _ = shutdown(listener, Int32(SHUT_RDWR)) }

    /// Answers every request of every connection with `answer`, after noting it.
    static func answering(
        _ answer: @escaping @Sendable (ReceivedRequest, Connection) -> Void
    ) throws -> LoopbackServer {
        try LoopbackServer { server, connection in
            while let request = connection.readRequest() {
                server.note(request)
                answer(request, connection)
            }
        }
    }
}
