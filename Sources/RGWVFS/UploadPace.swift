import RGWBase

/// How many changes are sent at the same time to a server that says it is busy (503): half as many at once, and one
/// more a second until it is the option's number again. Pure; guarded by the volume's state.
///
/// Requests under way are not ended, and one may always be sent, so the answer to it asks for the next.
struct UploadPace: Sendable {
    /// At `since`; nil: as many as the option says.
    private var limit: Int?
    private var since = Instant.distantPast

    /// Answers of one moment belong to the same load: they halve it once.
    private static let pause = Duration.seconds(1)
    /// Until one more is sent at a time.
    private static let step = Duration.seconds(1)
    /// A server's Retry-After counts up to here.
    private static let retryAfterMax = Duration.seconds(60)

    /// The server is busy, and wants to be left alone for `retryAfter`; that many were under way.
    mutating func slowDown(
        _ now: Instant, underWay: Int, retryAfter: Duration?, most: Int
    ) {
        guard limit == nil || now >= since + Self.pause else { return }
        limit = max(1, min(underWay, current(now, most: most)) / 2)
        since = now + min(max(.zero, retryAfter ?? .zero), Self.retryAfterMax)
    }

    /// How many may be under way. `most`: the option's number.
    func current(_ now: Instant, most: Int) -> Int {
        guard let limit else { return most }
        let waited = max(.zero, now - since)
        let more = waited.inNanoseconds / Self.step.inNanoseconds
        return Int(min(Int64(most), Int64(limit) + min(more, Int64(most))))
    }
}
