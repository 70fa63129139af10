import Synchronization

/// Calls of which at most one is under way, each started by the answer to the one before, cancelled
/// as one.
///
/// Guarded by its mutex. The chain ends when a step starts no other.
package final class CallChain: Cancellable {
    private struct State {
        /// Counts the steps, so that a call that answers late does not replace its successor.
        var step = 0
        var current: (any Cancellable)?
        var cancelled = false
    }
    private let state = Mutex(State())

    package init() {}

    package func cancel() {
        let current = state.withLock { state in
            state.cancelled = true
            return state.current
        }
        current?.cancel()
    }

    /// Starts the next call; its completion may run another step.
    package func run(_ start: () -> any Cancellable) {
        let step = state.withLock { state in
            state.step += 1
            state.current = nil
            return state.step
        }
        let call = start()
        let cancels = state.withLock { state in
            if state.step == step { state.current = call }
            return state.cancelled
        }
        if cancels { call.cancel() }
    }
}
