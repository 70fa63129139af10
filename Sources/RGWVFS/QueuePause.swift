import RGWBase
import RGWObject

/// The whole queue waits: the server refuses this mount, not one key. One request at a time finds out
/// whether it still does. Pure; guarded by the volume's state.
struct QueuePause: Sendable {
    /// Why; nil: nothing is paused.
    private(set) var reason: ObjectStoreError?
    private var until = Instant.distantPast
    private var probe: ObjectAddress?

    /// How often a probe is sent. Source: writeback.md 4.10.
    private static let interval = Duration.seconds(60)

    enum Gate: Sendable {
        case open
        /// One request may start.
        case probe
        /// Nothing may start; the time to ask again, if a timer must see to it.
        case closed(until: Instant?)
    }

    /// `isFlying`: the key has a request under way. A probe may also end without having asked the server.
    mutating func gate(_ now: Instant, _ isFlying: (ObjectAddress) -> Bool) -> Gate {
        if reason == nil { return .open }
        if let probe, isFlying(probe) { return .closed(until: nil) }
        probe = nil
        return now < until ? .closed(until: until) : .probe
    }

    /// What was made ready may go: nothing is paused, or it is the probe.
    func lets(_ address: ObjectAddress) -> Bool { reason == nil || probe == address }

    /// A request that the gate let through started.
    mutating func started(_ address: ObjectAddress) { if reason != nil { probe = address } }

    /// The mount is refused. True: it was not until now.
    mutating func refuse(_ error: ObjectStoreError, now: Instant) -> Bool {
        let isNew = reason == nil
        reason = error
        until = now + Self.interval
        probe = nil
        return isNew
    }

    /// A request ended in a way that says nothing about the mount (`isAnswer` false), or that shows that
    /// the server serves it again. True: the pause is over.
    mutating func ended(_ address: ObjectAddress, isAnswer: Bool, now: Instant) -> Bool {
        guard reason != nil else { return false }
        if isAnswer {
            self = QueuePause()
            return true
        }
        if probe == address {
            probe = nil
            until = now + Self.interval
        }
        return false
    }

    /// The next request is let through at once: somebody waits, or the keys are new.
    mutating func probeNow() { until = .distantPast }
}

extension ObjectStoreError {
    /// Says nothing about the key: the server refuses everything that this mount asks.
    func isMountWide(allBuckets: Bool) -> Bool {
        switch kind {
        case .badCredentials, .clockSkew: true
        case .noSuchBucket: !allBuckets
        default: false
        }
    }
}
