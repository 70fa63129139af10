import HeapModule
package import RGWBase

/// Calls back at given times, on one thread of its own.
///
/// Owns the thread. `stop` must be called before the last reference goes.
package final class HostTimer: Timer {
    private struct Entry: Comparable, Sendable {
        let deadline: Instant
        /// Jobs of one time run in the order they were scheduled.
        let sequence: UInt64
        let job: @Sendable () -> Void

        static func == (a: Self, b: Self) -> Bool { a.sequence == b.sequence }
        static func < (a: Self, b: Self) -> Bool {
            (a.deadline, a.sequence) < (b.deadline, b.sequence)
        }
    }

    private struct State: Sendable {
        var entries = Heap<Entry>()
        var sequence: UInt64 = 0
        var stopping = false
    }

    private let condition: HostCondition<State>
    private let thread: HostThread

    package init(name: String = "timer") throws(HostError) {
        let condition = HostCondition(State())
        self.condition = condition
        thread = try HostThread(name: name) {
            ThreadDuty.timer.run { while let job = Self.next(condition) { job() } }
        }
    }

    /// Never early; late by what earlier jobs take. After `stop` nothing is called back any more.
    package func schedule(at deadline: Instant, _ job: @escaping @Sendable () -> Void) {
        condition.update { state in
            state.sequence += 1
            state.entries.insert(Entry(deadline: deadline, sequence: state.sequence, job: job))
        }
    }

    /// Entries not yet called back.
    package var pending: Int { condition.read { $0.entries.count } }

    /// Drops what is not due, waits for the job that runs. From a job of this timer, only the
    /// former.
    package func stop() {
        condition.update { state in
            state.stopping = true
            state.entries = Heap()
        }
        thread.join()
    }

    /// Nil: stopped.
    private static func next(_ condition: HostCondition<State>) -> (@Sendable () -> Void)? {
        condition.wait { state in
            if state.stopping { return .done(nil) }
            guard let first = state.entries.min else { return .until(.distantFuture) }
            guard first.deadline <= HostClock().now() else { return .until(first.deadline) }
            state.entries.removeMin()
            return .done(first.job)
        }
    }
}
