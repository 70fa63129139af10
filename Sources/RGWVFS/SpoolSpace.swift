import RGWBase
import RGWSpool

/// Room for data in the spool: who may write, who waits for uploads, and for how long. Pure; guarded by the
/// volume's state.
struct SpoolSpace: Sendable {
    /// What is known outside the lock when an operation asks.
    struct Reading: Sendable {
        var now: Instant
        /// Bytes that the data files take.
        var used: UInt64
        /// Bytes free on the filesystem.
        var free: UInt64
        /// Bytes that transports have taken so far, in all.
        var moved: UInt64
    }

    enum Resource: Sendable {
        case bytes
        case descriptors
    }

    enum Verdict: Sendable {
        case admitted
        /// Uploads are making room.
        case wait
        case refused
    }

    /// Bytes that the data files may take.
    var limit: UInt64
    /// Bytes to leave free on the filesystem, for the journal and for others.
    var freeMin: UInt64
    /// The reserve is in use: whatever is free is for the journal.
    var isReserveOut = false
    /// Writers that wait, in the order in which they came.
    var parked: [@Sendable () -> Void] = []
    /// A timer will look at them.
    var isWatched = false
    /// Bytes of writes under way.
    private var reserved: UInt64 = 0
    /// When room became short; nil: there is enough.
    private var shortSince: Instant?
    private var descriptorsShortSince = Instant.distantPast
    private var askedAt = Instant.distantPast
    private var lastProgress = Instant.distantPast
    private var movedThen: UInt64 = 0
    private var relievedAt = Instant.distantPast

    /// Above it everything that waits is due now and clean copies go. Source: writeback.md 4.12.
    private static let highShare = (3 as UInt64, 4 as UInt64)
    /// Above it writers wait.
    private static let fullShare = (19 as UInt64, 20 as UInt64)
    /// How long writers wait while nothing moves.
    private static let patience = Duration.seconds(60)
    /// How often the intents are looked through for what makes room.
    private static let reliefPause = Duration.milliseconds(200)

    init(limit: UInt64, freeMin: UInt64) {
        self.limit = limit
        self.freeMin = freeMin
    }

    /// `spool_size=`, or half of the filesystem and 100 GiB at most; and a share of the filesystem that
    /// stays free, but not more than anybody would miss. Source: writeback.md 4.12.
    init(_ configuration: VolumeConfiguration, _ volume: SpoolVolume) {
        self.init(
            limit: configuration.spoolBytesMax ?? min(volume.totalBytes / 2, 100 << 30),
            freeMin: min(volume.totalBytes / 20, 1 << 30))
    }

    private static func share(_ bytes: UInt64, _ part: (UInt64, UInt64)) -> UInt64 {
        bytes / part.1 * part.0 + bytes % part.1 * part.0 / part.1
    }

    /// Bytes that one file may have: larger ones never fit.
    var fileMax: UInt64 { Self.share(limit, Self.fullShare) }

    private func room(_ reading: Reading, of limit: UInt64) -> UInt64 {
        if isReserveOut { return 0 }
        let taken = reading.used + reserved
        let kept = freeMin + reserved
        return min(limit - min(limit, taken), reading.free - min(reading.free, kept))
    }

    /// Uploads are to start now. At most every 200 ms: it costs a look at all that waits for its delay.
    mutating func shouldRelieve(_ count: UInt64, _ reading: Reading) -> Bool {
        room(reading, of: Self.share(limit, Self.highShare)) < count && mayRelieve(reading.now)
    }

    /// The same when something other than bytes is short.
    mutating func mayRelieve(_ now: Instant) -> Bool {
        guard now >= relievedAt + Self.reliefPause else { return false }
        relievedAt = now
        return true
    }

    /// May `count` bytes more be written? Admitted bytes are given back with `settle` after the write.
    mutating func admit(_ count: UInt64, _ reading: Reading) -> Bool {
        guard count <= room(reading, of: fileMax) else { return false }
        shortSince = nil
        reserved += count
        return true
    }

    /// There is no room: wait or give up? `canFree`: something is on its way that makes room.
    /// `isMoving`: a body goes up for the first time, so bytes that move are progress.
    mutating func shortage(
        _ reading: Reading, of resource: Resource, canFree: Bool, isMoving: Bool
    ) -> Verdict {
        let shortSince = shortSince(resource, reading.now)
        guard canFree else { return .refused }
        if reading.moved != movedThen, isMoving {
            movedThen = reading.moved
            lastProgress = reading.now
        }
        let since = max(lastProgress, shortSince)
        return reading.now < since + Self.patience ? .wait : .refused
    }

    private mutating func shortSince(_ resource: Resource, _ now: Instant) -> Instant {
        switch resource {
        case .bytes:
            if shortSince == nil { shortSince = now }
            return shortSince ?? now
        case .descriptors:
            // Who waits asks again all the time; after a pause it is another shortage.
            if askedAt + Self.reliefPause * 10 < now { descriptorsShortSince = now }
            askedAt = now
            return descriptorsShortSince
        }
    }

    mutating func settle(_ count: UInt64) { reserved -= min(reserved, count) }

    /// The bucket has confirmed something.
    mutating func noteProgress(_ now: Instant) { lastProgress = max(lastProgress, now) }
}
