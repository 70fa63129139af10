/// Why no complete answer came: a closed set. The argument says what happened, for people.
package enum TransportError: Error, Equatable, Sendable {
    /// Name not resolved, connection refused or not made in time, TLS or certificate failed:
    /// nothing of the request was sent.
    case unreachable(String)
    /// The connection broke. `sent`: the whole request may have reached the server.
    case broken(sent: Bool, String)
    /// No progress for the stall limit, or the total limit passed. `sent` as above.
    case timedOut(sent: Bool, String)
    /// The answer breaks HTTP, or is longer than its bound.
    case malformed(sent: Bool, String)
    /// The body to be sent could not be read; the server never saw the end of it.
    case bodyUnreadable(String)
    /// `cancel()` was called, or the transport shut down.
    case cancelled(sent: Bool)

    /// Whether the server may have carried the request out. False is certain: a request whose body
    /// did not arrive whole has no effect on S3.
    package var mayHaveTakenEffect: Bool {
        switch self {
        case .unreachable, .bodyUnreadable: false
        case .broken(let sent, _), .timedOut(let sent, _), .malformed(let sent, _),
            .cancelled(let sent):
            sent
        }
    }
}
