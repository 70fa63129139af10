import RGWBase

/// How often and after how long to try again.
struct RetryPolicy: Equatable, Sendable {
    /// Nil: for ever.
    var retriesMax: Int?
    /// Before the first retry; doubles with each.
    var delayMin: Duration = .milliseconds(100)
    /// When the server says that it is busy.
    var busyDelayMin: Duration = .milliseconds(500)
    var delayMax: Duration = .seconds(15)
    /// A server's Retry-After counts up to here.
    var retryAfterMax: Duration = .seconds(60)
    /// Retries of what no waiting cures (a wrong digest, a malformed answer), even when `hard`.
    var hopelessRetriesMax = 2

    init(retriesMax: Int?) { self.retriesMax = retriesMax }

    /// Half of the delay is fixed and half random, so that clients that failed together do not
    /// return together. `retry` counts from 0.
    func delay(retry: Int, busy: Bool, retryAfter: Duration?, random: UInt64) -> Duration {
        let base = (busy ? busyDelayMin : delayMin).inNanoseconds
        let (scaled, overflow) = base.multipliedReportingOverflow(by: 1 << min(max(retry, 0), 20))
        let whole = overflow ? delayMax.inNanoseconds : min(scaled, delayMax.inNanoseconds)
        let jitter = Int64(random % UInt64(max(1, whole / 2)))
        let delay = Duration.nanoseconds(whole - whole / 2 + jitter)
        guard let retryAfter else { return delay }
        return max(delay, min(retryAfter, retryAfterMax))
    }
}
