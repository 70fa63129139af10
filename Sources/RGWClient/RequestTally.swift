package import RGWBase
package import RGWWire

/// One attempt that failed; whether it is tried again is not known here.
package struct RequestFailure: Equatable, Sendable {
    package let operation: S3Operation
    /// As it was sent, without the query.
    package let path: String
    /// The status, or a word for what happened instead of an answer.
    package let code: String
    package let time: Duration
    /// The server's name for it; nil: it gave none.
    package var requestID: String?
    /// Nil: the server did not say when to come again.
    package var retryAfter: Duration?

    /// The server is there, and has too much to do.
    package var isBusy: Bool { code == "503" }
}

/// What became of the requests of one kind.
package struct RequestTally: Equatable, Sendable {
    /// Attempts, each repetition counted.
    package var count: UInt64 = 0
    /// No answer, or one with a status over 399 but 404 and 412, which are answers like any other.
    package var failures: UInt64 = 0
    package var bytesSent: UInt64 = 0
    package var bytesReceived: UInt64 = 0
    /// From sending to the last byte of the answer, all together.
    package var time = Duration.zero
    package var timeMax = Duration.zero
    package var latencies = Latencies()
    /// Attempts that repeated failed ones.
    package var retries: UInt64 = 0
    /// Failures by status, or by what happened to the request instead of an answer.
    package var errors: [String: UInt64] = [:]
    package init() {}
}
