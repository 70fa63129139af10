/// What a failed attempt permits; whether and when to try again is decided in RGWClient.
package enum RetryClass: Hashable, Sendable {
    /// The same request will fail again.
    case never
    /// Definitely not done: any request may be sent again.
    case notDone
    /// Perhaps done: only requests that may be repeated are sent again.
    case perhapsDone
    /// The server's clock differs from ours: correct the offset and try once more.
    case clockSkew
    /// The credentials were refused: try once more if newer ones are there.
    case credentials
}
