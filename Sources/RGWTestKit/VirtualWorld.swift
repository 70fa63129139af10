package import RGWBase
import Synchronization

/// Time, work and randomness under a test's control: nothing happens until `run` or `advance`.
///
/// Single-threaded by use: jobs run on the caller's thread, in order of submission; timers fire in order of
/// their deadlines when time is moved past them.
package final class VirtualWorld: Clock, WorkQueue, Timer, Entropy {
    private struct State {
        var now = Instant(nanoseconds: 1_000_000_000_000)
        var jobs: [@Sendable () -> Void] = []
        var timers: [(deadline: Instant, order: Int, job: @Sendable () -> Void)] = []
        var order = 0
        var seed: UInt64
    }

    private let state: Mutex<State>

    package init(seed: UInt64 = 1) { state = Mutex(State(seed: seed)) }

    package func now() -> Instant { state.withLock { $0.now } }

    /// 2026-01-01T00:00:00Z plus the virtual time.
    package func wallTime() -> WallTime {
        let nanoseconds = now().nanoseconds
        return WallTime(
            seconds: 1_767_225_600 + nanoseconds / 1_000_000_000,
            nanoseconds: nanoseconds % 1_000_000_000)
    }

    /// SplitMix64.
    package func next() -> UInt64 {
        state.withLock { state in
            state.seed &+= 0x9E37_79B9_7F4A_7C15
            var value = state.seed
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    package func submit(_ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.append(job) }
    }

    package func schedule(at deadline: Instant, _ job: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.order += 1
            state.timers.append((deadline, state.order, job))
        }
    }

    /// Runs jobs until none is left; time stands still. Returns how many ran.
    @discardableResult
    package func run() -> Int {
        var count = 0
        while let job = takeJob() {
            job()
            count += 1
        }
        return count
    }

    /// Runs one job; false when there is none.
    package func step() -> Bool {
        guard let job = takeJob() else { return false }
        job()
        return true
    }

    /// Moves time forward, firing the timers on the way and running all jobs.
    package func advance(by duration: Duration) {
        let end = now() + duration
        run()
        while let job = takeTimer(until: end) {
            job()
            run()
        }
        state.withLock { $0.now = end }
        run()
    }

    /// Moves time forward and queues nothing but what the timers on the way do; no other job runs.
    package func tick(_ duration: Duration) {
        let end = now() + duration
        while let job = takeTimer(until: end) { job() }
        state.withLock { $0.now = end }
    }

    private func takeJob() -> (@Sendable () -> Void)? {
        state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
    }

    private func takeTimer(until end: Instant) -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard
                let index = state.timers.indices.min(by: {
                    (state.timers[$0].deadline, state.timers[$0].order)
                        < (state.timers[$1].deadline, state.timers[$1].order)
                }), state.timers[index].deadline <= end
            else { return nil }
            let timer = state.timers.remove(at: index)
            state.now = max(state.now, timer.deadline)
            return timer.job
        }
    }
}
