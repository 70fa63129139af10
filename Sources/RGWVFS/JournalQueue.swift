import RGWSpool

/// Changes on their way to the journal, in the order in which the state changed. Guarded by the volume's state.
///
/// Whoever needs a change durable commits everything queued so far, in its own thread, unless somebody
/// is committing already: then that thread commits it too. One transaction serves all that wait.
struct JournalQueue: Sendable {
    private(set) var pending: [JournalChange] = []
    private(set) var enqueued: UInt64 = 0
    private(set) var committed: UInt64 = 0
    private(set) var isCommitting = false
    private var waiters: [(ticket: UInt64, done: @Sendable (SpoolError?) -> Void)] = []

    /// Returns the ticket to wait for.
    @discardableResult
    mutating func append(_ change: JournalChange) -> UInt64 {
        pending.append(change)
        enqueued += 1
        return enqueued
    }

    mutating func wait(_ ticket: UInt64, _ done: @escaping @Sendable (SpoolError?) -> Void) {
        waiters.append((ticket, done))
    }

    mutating func begin() -> (changes: [JournalChange], ticket: UInt64) {
        isCommitting = true
        let changes = pending
        pending = []
        return (changes, enqueued)
    }

    /// The commit ended. A failed one keeps its changes: the next commit carries them, so that the
    /// journal never lacks a change that the state has. Returns who is to be told.
    mutating func end(
        _ changes: [JournalChange], ticket: UInt64, error: SpoolError?
    )
        -> [@Sendable (SpoolError?) -> Void]
    {
        isCommitting = false
        if error == nil { committed = ticket } else { pending = changes + pending }
        let told = waiters.filter { $0.ticket <= ticket }.map(\.done)
        waiters.removeAll { $0.ticket <= ticket }
        return told
    }

    var hasWaiters: Bool { !waiters.isEmpty }
}
