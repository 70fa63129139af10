import RGWBase
import RGWSpool

/// When the next barrier is to run, and who waits for one. Pure; guarded by the volume's state.
struct BarrierQueue: Sendable {
    typealias Done = @Sendable (SpoolError?) -> Void

    /// Records changed since the last barrier began.
    var isNeeded = false
    /// Bytes of open files changed, and nothing else.
    var isNeededForData = false
    private var at: Instant?
    private var isRunning = false
    private var waiters: [Done] = []
    private var fsynced: Set<InodeNumber> = []

    /// Files that are being written may lag this many times longer. Source: writeback.md 4.5.
    private static let dataFactor = 5

    /// Nothing is planned for what needs a barrier.
    var isUnplanned: Bool { at == nil && (isNeeded || isNeededForData) }

    /// When to set a timer for; nil: no need, or an earlier one is set.
    mutating func schedule(_ now: Instant, interval: Duration) -> Instant? {
        guard isNeeded || isNeededForData else { return nil }
        let due = now + interval * (isNeeded ? 1 : Self.dataFactor)
        if let at, at <= due { return nil }
        at = due
        return due
    }

    /// The timer for `at` fired. False: an earlier one has taken its place.
    mutating func isDue(_ at: Instant) -> Bool {
        guard self.at == at else { return false }
        self.at = nil
        return isNeeded || isNeededForData
    }

    /// True: the caller is to run the barrier. `fsynced`: who waits for this file's content.
    mutating func join(_ done: @escaping Done, fsynced file: InodeNumber?) -> Bool {
        waiters.append(done)
        if let file { fsynced.insert(file) }
        if isRunning { return false }
        isRunning = true
        return true
    }

    /// What changes from now on needs the next barrier. Returns whom this one serves.
    mutating func begin() -> (waiters: [Done], fsynced: Set<InodeNumber>) {
        isNeeded = false
        isNeededForData = false
        defer {
            waiters = []
            fsynced = []
        }
        return (waiters, fsynced)
    }

    /// True: others came meanwhile, and another barrier is to run.
    mutating func end(succeeded: Bool) -> Bool {
        if !succeeded { isNeeded = true }
        isRunning = !waiters.isEmpty
        return isRunning
    }
}
