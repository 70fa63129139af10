import RGWBase
import RGWObject
import RGWSpool

/// A file that an intent began (1) or ceased (-1) to send.
struct FileMove: Sendable {
    var inode: InodeNumber
    var change: Int
}

/// What of an intent the counts and orders depend on.
struct IntentFacts: Equatable, Sendable {
    var exists = false
    var isHeld = false
    var isTried = false
    var isBlocked = false
    var isConflict = false
    var isQuota = false
    var isSettling = false
    var isWaitedFor = false
    /// The same, or it stands in the way of one that is.
    var isAwaited = false
    var isGathering = false
    var isFlying = false
    var isPut = false
    /// The file that is sent.
    var inode: InodeNumber?
    var born = WallTime(seconds: 0)
    /// Of an upload that nothing but this keeps from starting.
    var delayedUntil: Instant?

    init() {}

    /// Without what only the store knows.
    init(_ intent: borrowing IntentTable.Intent?) {
        switch intent {
        case .none: return
        case .some(let intent):
            exists = true
            isHeld = intent.held
            isTried = intent.tries > 0
            isBlocked = intent.blocked != nil
            isConflict = intent.blocked?.kind == .preconditionFailed
            isQuota = intent.blocked?.kind == .quotaExceeded
            isSettling = intent.settling != nil
            isPut = intent.record.want == .put
            inode = isPut ? intent.record.inode : nil
            born = intent.record.born
            isWaitedFor = !intent.waiters.isEmpty
            isAwaited = isWaitedFor || intent.isAwaited
            delayedUntil = isPut && !isHeld && !isTried && !isSettling ? intent.due : nil
        }
    }

    /// Shown as failed: it is not being tried again, or that is the user's to say.
    func isFailed(isPaused: Bool) -> Bool {
        (isBlocked || isPaused && !isHeld) && (isConflict || !isFlying)
    }
}

/// How many intents are in a state.
struct IntentTally: Equatable, Sendable {
    /// As they are shown; `paused`: while the server refuses the mount.
    struct Shown: Equatable, Sendable {
        var failed = 0
        var open = 0
        var retrying = 0
    }

    var shown = Shown()
    var paused = Shown()
    var conflicts = 0
    var flying = 0
    /// Done and only to be looked at again.
    var settled = 0
    /// Uploads that go by themselves.
    var sendable = 0
    var quotaRefused = 0
    /// Deletions that gather although somebody waits for them.
    var awaitedDeletions = 0

    mutating func count(_ facts: IntentFacts, by change: Int) {
        shown.count(facts, isFailed: facts.isFailed(isPaused: false), by: change)
        paused.count(facts, isFailed: facts.isFailed(isPaused: true), by: change)
        if facts.isConflict { conflicts += change }
        if facts.isFlying { flying += change }
        if facts.isSettling, !facts.isFlying { settled += change }
        if facts.isPut, !facts.isHeld, !facts.isBlocked { sendable += change }
        if facts.isQuota { quotaRefused += change }
        if facts.isGathering { awaitedDeletions += change }
    }
}

extension IntentTally.Shown {
    fileprivate mutating func count(_ facts: IntentFacts, isFailed: Bool, by change: Int) {
        if isFailed {
            failed += change
        } else {
            if facts.isHeld { open += change }
            if facts.isTried { retrying += change }
        }
    }
}
