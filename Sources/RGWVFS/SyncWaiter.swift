import RGWBase
import Synchronization

/// Waits for a number of intents to reach the bucket; calls back once, with the first error.
final class SyncWaiter: Sendable {
    private struct State {
        var remaining: Int
        var error: FileSystemError?
    }
    private let state: Mutex<State>
    private let done: @Sendable (FileSystemError?) -> Void

    /// `count` is at least 1.
    init(count: Int, done: @escaping @Sendable (FileSystemError?) -> Void) {
        precondition(count > 0)
        state = Mutex(State(remaining: count))
        self.done = done
    }

    /// One intent reached its end. Never called under another lock.
    func settle(_ error: FileSystemError?) {
        let finished: FileSystemError?? = state.withLock { state in
            state.remaining -= 1
            precondition(state.remaining >= 0, "a waiter was settled too often")
            if state.error == nil { state.error = error }
            return state.remaining == 0 ? .some(state.error) : nil
        }
        if case .some(let error) = finished { done(error) }
    }
}
