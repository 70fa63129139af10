import Synchronization

/// Calls of which at most one is under way, each started by the answer to the one before, cancelled
/// as one.
///
/// Guarded by its mutex; nothing is called under it. Holds a call only until its answer, because the
/// answer's closure usually holds the chain.
package final class CallChain: Cancellable {
    private struct State {
        /// Counts the steps, so that a call that answers late does not replace its successor.
        var step = 0
        var hasAnswered = false
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

    /// Starts the next call; `next` gets its answer and may run another step.
    package func run<Answer>(
        _ start: (@escaping Completion<Answer>) -> any Cancellable,
        then next: @escaping Completion<Answer>
    ) {
        let step = state.withLock { state in
            state.step += 1
            (state.current, state.hasAnswered) = (nil, false)
            return state.step
        }
        let call = start { result in
            self.answered(step)
            next(result)
        }
        let cancels = state.withLock { state in
            if state.step == step, !state.hasAnswered { state.current = call }
            return state.cancelled
        }
        if cancels { call.cancel() }
    }

    private func answered(_ step: Int) {
        state.withLock { state in
            if state.step == step { (state.current, state.hasAnswered) = (nil, true) }
        }
    }
}
