import Synchronization

/// What other threads ask of the loop.
///
/// Guarded by its own mutex, held for an append or a swap only.
final class Inbox: Sendable {
    struct Content {
        var submissions: [Submission] = []
        var cancelled: [UInt64] = []
        var stops = false

        var isEmpty: Bool { submissions.isEmpty && cancelled.isEmpty && !stops }
    }

    fileprivate struct State {
        var content = Content()
        var nextID: UInt64 = 1
        /// The loop waits, and nobody has woken it yet: whoever asks now must.
        var waits = false
        /// The loop has ended: nobody looks any more.
        var closed = false
    }

    private let state = Mutex(State())

    /// Queues what `make` builds with its new id. `wakes`: the loop must be woken; `id` is nil when
    /// the loop has ended.
    func submit(_ make: (UInt64) -> Submission) -> (id: UInt64?, wakes: Bool) {
        state.withLock { state in
            guard !state.closed else { return (nil, false) }
            let id = state.nextID
            state.nextID += 1
            state.content.submissions.append(make(id))
            return (id, state.needsWakeUp())
        }
    }

    /// True when the loop must be woken.
    func cancel(_ id: UInt64) -> Bool {
        state.withLock { state in
            guard !state.closed else { return false }
            state.content.cancelled.append(id)
            return state.needsWakeUp()
        }
    }

    /// True when the loop must be woken.
    func stop() -> Bool {
        state.withLock { state in
            state.content.stops = true
            return state.needsWakeUp()
        }
    }

    /// False when something was asked since `take`; otherwise the next who asks wakes the loop.
    func mayWait() -> Bool {
        state.withLock { state in
            state.waits = state.content.isEmpty
            return state.waits
        }
    }

    /// Everything asked since the last time. After a stop nothing more comes.
    func take() -> Content {
        state.withLock { state in
            let content = state.content
            state.content = Content()
            state.waits = false
            if content.stops { state.closed = true }
            return content
        }
    }
}

extension Inbox.State {
    fileprivate mutating func needsWakeUp() -> Bool {
        defer { waits = false }
        return waits
    }
}
