package import RGWBase

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
