import RGWBase
import RGWObject

/// Where the server refuses this user's PUTs with 403: whoever begins to write there hears it at once instead
/// of filling the spool. Pure; guarded by the volume's state.
///
/// A policy may allow one directory and not another, or refuse a single object. So a refusal counts for the
/// object; for its directory until something was stored there; and for the whole mount until anything was
/// stored. It counts for a bit longer than a minute, as refused uploads are tried once a minute and renew it;
/// when nothing is left to be tried, the next writer is the one to find out.
struct WriteRights: Sendable {
    private var refused: [ObjectAddress: Instant] = [:]
    private var accepted: Set<KeyPrefix> = []
    /// Since when; nil: nothing is refused.
    private(set) var since: Instant?

    /// How long a refusal counts: the pause of refused uploads, and as long again as one may take.
    private static let lifetime = Duration.seconds(75)
    /// More directories or objects are not told apart.
    private static let most = 1000

    mutating func refuse(_ address: ObjectAddress, now: Instant) {
        expire(now)
        if refused.count >= Self.most { refused = [:] }
        refused[address] = now + Self.lifetime
        since = since ?? now
    }

    mutating func accept(_ address: ObjectAddress) {
        if accepted.count >= Self.most { accepted = [] }
        let home = Self.home(address)
        accepted.insert(home)
        if refused.isEmpty { return }
        refused[address] = nil
        if refused.isEmpty { since = nil }
    }

    func isRefused(_ address: ObjectAddress, now: Instant) -> Bool {
        if refused.isEmpty { return false }
        if let until = refused[address], now < until { return true }
        if accepted.isEmpty { return refused.values.contains { now < $0 } }
        let home = Self.home(address)
        guard !accepted.contains(home) else { return false }
        return refused.contains { Self.home($0.key) == home && now < $0.value }
    }

    /// For status: since when writing is refused somewhere.
    func refusedSince(_ now: Instant) -> Instant? {
        refused.values.contains { now < $0 } ? since : nil
    }

    private mutating func expire(_ now: Instant) {
        refused = refused.filter { now < $0.value }
        if refused.isEmpty { since = nil }
    }

    private static func home(_ address: ObjectAddress) -> KeyPrefix {
        KeyPrefix(
            bucket: address.bucket,
            bytes: Array(address.key.bytes.prefix(upTo: address.key.nameStart)))
    }
}
