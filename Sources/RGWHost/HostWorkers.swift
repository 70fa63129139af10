import DequeModule
package import RGWBase

/// A fixed pool of named threads that run jobs in the order they came.
///
/// Owns the threads. The queue has no bound of its own: who submits counts what it submits, and
/// `pending` tells. `shutDown` must be called before the last reference goes.
package final class HostWorkers: WorkQueue {
    private struct State: Sendable {
        var jobs = Deque<@Sendable () -> Void>()
        var running = 0
        var stopping = false
        var refused = 0
    }

    private let condition: HostCondition<State>
    private let threads: [HostThread]

    /// `count` threads named `name-0` and so on.
    package init(name: String, count: Int, duty: ThreadDuty? = nil) throws(HostError) {
        precondition(count > 0, "a pool needs a thread")
        let condition = HostCondition(State())
        var threads: [HostThread] = []
        do throws(HostError) {
            for index in 0..<count {
                let thread = try HostThread(name: "\(name)-\(index)") {
                    guard let duty else { return Self.work(condition) }
                    duty.run { Self.work(condition) }
                }
                threads.append(thread)
            }
        } catch {
            condition.update { $0.stopping = true }
            for thread in threads { thread.join() }
            throw error
        }
        self.condition = condition
        self.threads = threads
    }

    /// Jobs waiting and running.
    package var pending: Int { condition.read { $0.jobs.count + $0.running } }

    /// Jobs that came after the pool had drained and were not run.
    package var refused: Int { condition.read { $0.refused } }

    /// Never blocks. While the pool drains, jobs are still taken; after it has drained, they are
    /// not.
    package func submit(_ job: @escaping @Sendable () -> Void) {
        condition.updateWakingOne { state in
            if state.stopping, state.jobs.isEmpty, state.running == 0 {
                state.refused += 1
            } else {
                state.jobs.append(job)
            }
        }
    }

    /// Runs what was submitted, and what that submits, then ends the threads. Not from a job.
    package func shutDown() {
        condition.update { $0.stopping = true }
        for thread in threads { thread.join() }
    }

    private static func work(_ condition: HostCondition<State>) {
        while let job = next(condition) {
            job()
            // The last job of a draining pool lets every thread go; otherwise nobody waits for
            // this.
            condition.updateIfWaking { state in
                state.running -= 1
                return state.stopping && state.running == 0 && state.jobs.isEmpty
            }
        }
    }

    /// Nil: the pool has drained.
    private static func next(_ condition: HostCondition<State>) -> (@Sendable () -> Void)? {
        condition.wait { state in
            if let job = state.jobs.popFirst() {
                state.running += 1
                return .done(job)
            }
            // A running job may still submit another, so threads stay until nothing runs.
            let drained = state.stopping && state.running == 0
            return drained ? .done(nil) : .until(.distantFuture)
        }
    }
}
