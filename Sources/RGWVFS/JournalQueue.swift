import RGWSpool

/// Changes on their way to the journal, in the order in which the state changed. Guarded by the volume's state.
///
/// Whoever needs a change durable commits everything queued so far, in its own thread, unless somebody
/// is committing already: then that thread commits it too. One transaction serves all that wait.
struct JournalQueue: Sendable {
    typealias Done = @Sendable (SpoolError?) -> Void

    struct Entry: Sendable {
        var ticket: UInt64
        var change: JournalChange
    }

    /// An operation that can be taken back, and the tickets of its changes.
    private struct Operation: Sendable {
        var tickets: ClosedRange<UInt64>
        var log: UndoLog
    }

    /// What one commit writes.
    struct Batch: Sendable {
        fileprivate var entries: [Entry]
        var ticket: UInt64
        var changes: [JournalChange] { entries.map(\.change) }
    }

    private var pending: [Entry] = []
    private var operations: [Operation] = []
    private(set) var enqueued: UInt64 = 0
    private(set) var committed: UInt64 = 0
    private(set) var isCommitting = false
    private var waiters: [(ticket: UInt64, done: Done)] = []

    /// Returns the ticket to wait for.
    @discardableResult
    mutating func append(_ change: JournalChange) -> UInt64 {
        enqueued += 1
        pending.append(Entry(ticket: enqueued, change: change))
        return enqueued
    }

    /// Everything enqueued after `before` was changed by one operation, which `log` takes back.
    mutating func note(_ log: UndoLog, after before: UInt64) {
        guard enqueued > before else { return }
        operations.append(Operation(tickets: before + 1...enqueued, log: log))
    }

    mutating func wait(_ ticket: UInt64, _ done: @escaping Done) {
        waiters.append((ticket, done))
    }

    mutating func begin() -> Batch {
        isCommitting = true
        defer { pending = [] }
        return Batch(entries: pending, ticket: enqueued)
    }

    /// The commit succeeded. Returns who is to be told.
    mutating func end(_ batch: Batch) -> [Done] {
        isCommitting = false
        committed = batch.ticket
        operations.removeAll { $0.tickets.upperBound <= batch.ticket }
        return takeWaiters { $0 <= batch.ticket }
    }

    /// The commit failed. Operations that can be taken back are, those queued since too, as they may rest
    /// on one of the batch; the next commit carries all other changes, so that the journal never lacks a
    /// change that the state has. Returns who is to be told, and the operations, the youngest first.
    mutating func fail(_ batch: Batch) -> (told: [Done], takenBack: [UndoLog]) {
        isCommitting = false
        let undone = operations
        operations = []
        // Both are in the order of their tickets.
        var next = undone[...]
        pending = (batch.entries + pending).filter { entry in
            while let first = next.first, first.tickets.upperBound < entry.ticket {
                next.removeFirst()
            }
            return next.first?.tickets.contains(entry.ticket) != true
        }
        let last = Set(undone.map(\.tickets.upperBound))
        let told = takeWaiters { $0 <= batch.ticket || last.contains($0) }
        return (told, undone.reversed().map(\.log))
    }

    private mutating func takeWaiters(_ isTold: (UInt64) -> Bool) -> [Done] {
        let told = waiters.filter { isTold($0.ticket) }.map(\.done)
        waiters.removeAll { isTold($0.ticket) }
        return told
    }

    var hasWaiters: Bool { !waiters.isEmpty }
    var hasPending: Bool { !pending.isEmpty }
}
