import CRGWCurl
import RGWBase
import RGWCrypto
import RGWObject
import RGWWire

/// A request as `send` took it, waiting for its turn.
struct Submission: Sendable {
    let id: UInt64
    let request: HTTPRequest
    let options: TransferOptions
    let completion: @Sendable (Result<HTTPResponse, TransportError>) -> Void
}

/// One request under way: what its callbacks have sent and received.
///
/// Owned by the loop's table of transfers; only the transport's thread touches it.
final class Transfer {
    let submission: Submission
    let handle: CurlEasyHandle
    let clock: any Clock
    /// Nil: TCP_QUICKACK is not set.
    private let sockets: SocketTable?
    let started: Instant

    /// The last byte in either direction.
    private(set) var lastProgress: Instant
    private var response = HTTPResponse(status: 0)
    private var header = HeaderReader()
    /// Decided at the first byte of the body: blocks or collected.
    private var deliversBlocks: Bool?
    private var block: [UInt8] = []
    private var bodyOffset: UInt64 = 0
    private var bytesSentSeen: UInt64 = 0
    /// Times that libcurl began to send the request.
    private var starts = 0
    /// libcurl wants to send the body from its beginning again.
    private var startsAgain = false
    private var socket: Int32?
    private(set) var connecting: Connecting
    private var digest: MD5Digest?
    /// Set by a callback that made libcurl stop.
    private var stop: TransportError?
    /// The body of a success that was refused by its head: nobody wants it.
    private(set) var isUnread = false

    init(
        _ submission: Submission, handle: CurlEasyHandle, clock: any Clock, sockets: SocketTable?,
        book: AddressBook, isPatient: Bool
    ) {
        self.submission = submission
        self.handle = handle
        self.clock = clock
        self.sockets = sockets
        started = clock.now()
        lastProgress = started
        connecting = Connecting(book, isPatient: isPatient, now: started)
        if submission.options.digestsBody { digest = MD5Digest() }
    }

    private var bodyLength: UInt64 { submission.request.body?.length ?? 0 }

    // MARK: Called by libcurl

    /// A socket for one of the addresses of the server's name, or CURL_SOCKET_BAD to leave it out.
    /// SAFETY: the address must be libcurl's, and is read during the call only.
    @unsafe func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        var text = [CChar](repeating: 0, count: 128)
        // SAFETY: the text ends with a NUL within the array.
        let found = unsafe CRGWCurl_address_text(address, &text, text.count) == 0
        let name =
            found
            ? String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            : ""
        let now = clock.now()
        guard connecting.mayTry(name, now: now) else { return CURL_SOCKET_BAD }
        let socket = unsafe CRGWCurl_open_socket(address)
        if socket != CURL_SOCKET_BAD { connecting.tries(name, socket, now: now) }
        return socket
    }

    /// A socket was made, for this transfer's connection or another attempt at it.
    func opened(_ socket: Int32) { sockets?.opened(socket) }

    /// The request is about to be written to a connection. Only reads may be written twice: on a
    /// kept connection that turned out dead libcurl would repeat a PUT whose first copy may have
    /// arrived.
    func begin(localPort: Int32) -> Bool {
        socket = sockets?.socket(localPort: localPort)
        connecting.stands(localPort: localPort, now: clock.now())
        starts += 1
        startsAgain = startsAgain || starts > 1
        if starts > 1, !submission.options.isIdempotent {
            stop = .broken(sent: wasSent, "a kept connection broke")
            return false
        }
        lastProgress = clock.now()
        return true
    }

    /// libcurl turns to another connection after having read some of the body.
    func rewind() -> Bool {
        startsAgain = true
        return false
    }

    /// One line of the header block, with its line end.
    func receiveHeader(_ line: Span<UInt8>) -> Bool {
        switch header.read(line) {
        case .statusLine:
            lastProgress = clock.now()
            submission.options.progress?.noteMoved(lastProgress)
            armQuickAck()
            return true
        case .end:
            lastProgress = clock.now()
            response.headers = header.headers
            return true
        case .field, .ignored: return true
        case .malformed(let reason):
            stop = .malformed(sent: wasSent, reason)
            return false
        }
    }

    /// Bytes of the answer's body.
    func receive(_ bytes: Span<UInt8>) -> Bool {
        lastProgress = clock.now()
        submission.options.progress?.noteMoved(lastProgress)
        switch submission.options.delivery {
        case .blocks(let size, let accepts, let onBlock) where delivers(accepts):
            deliver(bytes, size: size, to: onBlock)
            return true
        case .blocks:
            isUnread = response.isSuccess
            return !isUnread && collect(bytes, max: TransferOptions.collectedBytesMax)
        case .collected(let max): return collect(bytes, max: max)
        }
    }

    /// Fills `buffer` with the next bytes of the request's body; the count, or nil to stop.
    func fill(_ buffer: inout MutableRawSpan) -> Int? {
        lastProgress = clock.now()
        let remaining = bodyLength - bodyOffset
        let count = Int(min(UInt64(buffer.byteCount), remaining))
        guard count > 0, let body = submission.request.body else { return 0 }
        let done = BodyReader.read(body, at: bodyOffset, count: count, into: &buffer)
        guard done > 0 else {
            let reason = done == 0 ? "the file ended early" : "errno \(-done)"
            stop = .bodyUnreadable(reason)
            return nil
        }
        bodyOffset += UInt64(done)
        submission.options.progress?.noteSent(done, now: lastProgress)
        if digest != nil {
            let sent = buffer.bytes.extracting(first: done)
            digest?.update(Span<UInt8>(_bytes: sent))
        }
        return done
    }

    // MARK: Called by the loop

    /// When the transfer is too late unless bytes move, or is to be looked at.
    var deadline: Instant {
        let stall = min(connecting.nextLook, lastProgress + submission.options.stallTimeout)
        guard let total = submission.options.totalTimeout else { return stall }
        return min(stall, started + total)
    }

    /// Turns to the next address where one does not answer.
    func lookAtConnection(now: Instant) { connecting.look(now: now) }

    /// No address answered as fast as was asked for, so nothing was sent: with patience one may.
    func deservesPatience(_ code: CURLcode) -> Bool {
        code == CURLE_COULDNT_CONNECT && stop == nil && starts == 0 && connecting.hurried > 0
    }

    /// The error if the transfer is too late now. Bytes that left a full send buffer count as
    /// progress although no callback saw them.
    func expiry(now: Instant) -> TransportError? {
        if let total = submission.options.totalTimeout, now >= started + total {
            return .timedOut(sent: wasSent, "not complete after \(total)")
        }
        guard now >= lastProgress + submission.options.stallTimeout else { return nil }
        let sent = handle.bytesSent
        if sent > bytesSentSeen {
            bytesSentSeen = sent
            lastProgress = now
            submission.options.progress?.noteMoved(now)
            return nil
        }
        return .timedOut(sent: wasSent, "no byte for \(submission.options.stallTimeout)")
    }

    /// Whether the whole request may be with the server. libcurl's count of sent bytes starts again
    /// when it turns to another connection, and then says nothing of the first one.
    var wasSent: Bool {
        guard starts > 0, bodyOffset == bodyLength else { return false }
        return startsAgain || handle.bytesSent >= bodyLength
    }

    /// HEAD and some statuses have no body; any other answer must tell its end, because a
    /// connection that closes is no sign of one (RFC 9112, section 6.3). What a proxy says when the gateway
    /// is away (HTTP/1.0 does not tell it) counts by its status alone.
    private var tellsItsEnd: Bool {
        let status = response.status
        if submission.request.method == .head || status == 204 || status == 304 || status >= 500 {
            return true
        }
        return response.headers["content-length"] != nil
            || response.headers["transfer-encoding"] != nil
    }

    /// The transfer ended as `code` says: delivers what is left and makes the result.
    func finish(_ code: CURLcode) -> Result<HTTPResponse, TransportError> {
        if let stop { return .failure(stop) }
        if isUnread { return .success(response) }
        guard code == CURLE_OK else {
            return .failure(CurlError.translate(code, handle.message(for: code), sent: wasSent))
        }
        guard header.hasEnded else {
            return .failure(.broken(sent: wasSent, "the connection ended within the header"))
        }
        response.status = handle.status
        guard tellsItsEnd else {
            return .failure(.malformed(sent: wasSent, "an answer without a length"))
        }
        if case .blocks(_, let accepts, let onBlock) = submission.options.delivery,
            delivers(accepts), !block.isEmpty
        {
            onBlock(block)
            block = []
        }
        if let digest = digest.take() { response.sentMD5 = digest.finalize() }
        return .success(response)
    }

    // MARK: Bodies

    private func delivers(_ accepts: (HTTPResponse) -> Bool) -> Bool {
        if let deliversBlocks { return deliversBlocks }
        response.status = handle.status
        let decision = accepts(response)
        deliversBlocks = decision
        return decision
    }

    private func deliver(_ bytes: Span<UInt8>, size: Int, to onBlock: ([UInt8]) -> Void) {
        var rest = bytes
        while !rest.isEmpty {
            if block.isEmpty { block.reserveCapacity(size) }
            let part = rest.extracting(first: size - block.count)
            Self.append(part, to: &block)
            rest = rest.extracting(droppingFirst: part.count)
            if block.count == size {
                onBlock(block)
                block = []
            }
        }
    }

    private func collect(_ bytes: Span<UInt8>, max: Int) -> Bool {
        guard response.body.count + bytes.count <= max else {
            stop = .malformed(sent: wasSent, "an answer of more than \(max) bytes")
            return false
        }
        Self.append(bytes, to: &response.body)
        return true
    }

    /// One memcpy.
    private static func append(_ bytes: Span<UInt8>, to array: inout [UInt8]) {
        // SAFETY: the buffer is read during the call only.
        unsafe bytes.withUnsafeBufferPointer { unsafe array.append(contentsOf: $0) }
    }

    /// RGW writes header and body separately with Nagle on: the body leaves only after our ACK of
    /// the header, which the kernel delays by 40 ms. Setting TCP_QUICKACK sends it now; the kernel
    /// clears the option by itself, so it is set for every answer; setting it again while the body
    /// arrives gains nothing measurable. Source: tcp(7).
    private func armQuickAck() {
        if let socket { _ = CRGWCurl_quickack(socket) }
    }
}
