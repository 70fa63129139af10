package import RGWObject

/// What becomes of the body of an answer.
package enum ResponseDelivery: Sendable {
    /// Kept in `HTTPResponse.body`; more than `max` bytes is `TransportError.malformed`.
    case collected(max: Int)
    /// Handed over in order in blocks of `size` bytes, the last one shorter and only after the
    /// whole body arrived, so that a broken answer has delivered whole blocks only. Where `accepts`
    /// refuses the answer's head, the body of an error is collected instead, and that of a success not read.
    case blocks(
        size: Int, accepts: @Sendable (HTTPResponse) -> Bool, onBlock: @Sendable ([UInt8]) -> Void)
}

/// How one request travels. Nil deadlines are none.
package struct TransferOptions: Sendable {
    package var lane: Lane
    /// Until the connection stands, TLS included.
    package var connectTimeout: Duration
    /// Without a byte in either direction, waiting for the answer included.
    package var stallTimeout: Duration
    /// From the start of the transfer to its end; time in the queue of the lane does not count.
    package var totalTimeout: Duration?
    /// A read: the transport may send it again by itself when a kept connection turns out dead.
    package var isIdempotent: Bool
    /// Not on a kept connection: an earlier attempt found one dead, and others may be so too.
    package var isFresh = false
    /// An earlier attempt at the same failed. For counting only.
    package var isRetry = false
    /// Compute the MD5 of the body while it is sent.
    package var digestsBody: Bool
    package var delivery: ResponseDelivery
    /// Told of every byte that moves; nil: nobody asks.
    package var progress: BodyProgress?

    /// More than any S3 answer that is not an object: 1,000 keys of 1,024 bytes, each
    /// percent-encoded.
    package static let collectedBytesMax = 8 << 20

    package init(
        lane: Lane, connectTimeout: Duration = .seconds(10), stallTimeout: Duration = .seconds(60),
        totalTimeout: Duration? = nil, isIdempotent: Bool, digestsBody: Bool = false,
        delivery: ResponseDelivery = .collected(max: collectedBytesMax)
    ) {
        self.lane = lane
        self.connectTimeout = connectTimeout
        self.stallTimeout = stallTimeout
        self.totalTimeout = totalTimeout
        self.isIdempotent = isIdempotent
        self.digestsBody = digestsBody
        self.delivery = delivery
    }
}

/// HTTP as the S3 client sees it: requests in, answers out, no S3 rules.
///
/// `send` returns at once. `completion` is called exactly once, never inside `send`, on a thread of
/// the transport that serves every other transfer too: it must be short and must not block.
/// Redirects are answers like any other. Cancelling is a hint; the completion still comes.
package protocol HTTPTransport: Sendable {
    func send(
        _ request: HTTPRequest, options: TransferOptions,
        completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any Cancellable
}
