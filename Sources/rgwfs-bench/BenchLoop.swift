import RGWBase
import RGWHost
import RGWObject
import Synchronization

/// Runs `count` requests with at most `inFlight` at once; each completion starts the next one.
final class BenchLoop: Sendable {
    typealias Done = Completion<Void>
    typealias Start = @Sendable (_ number: Int, _ done: @escaping Done) -> Void

    private struct State: Sendable {
        var started = 0
        var finished = 0
    }
    private let state = Mutex(State())
    /// Told once, at the end: waking the main thread for each request would cost more than some.
    private let ended = HostCondition<Result<Void, ObjectStoreError>?>(nil)
    private let count: Int
    private let inFlight: Int
    private let clock: HostClock

    init(_ count: Int, _ inFlight: Int, _ clock: HostClock) {
        self.count = count
        self.inFlight = inFlight
        self.clock = clock
    }

    /// Seconds until the last answer; throws the first error.
    func run(_ start: @escaping Start) throws -> Double {
        let begin = clock.now()
        for _ in 0..<min(count, inFlight) { next(start) }
        try ended.wait(until: .distantFuture) { $0 }?.get()
        return (clock.now() - begin).inSeconds
    }

    private func next(_ start: @escaping Start) {
        let number = state.withLock { state in
            defer { state.started += 1 }
            return state.started
        }
        guard number < count else { return }
        start(number) { result in
            self.finished(result)
            self.next(start)
        }
    }

    private func finished(_ result: Result<Void, ObjectStoreError>) {
        let isLast = state.withLock { state in
            state.finished += 1
            return state.finished == count
        }
        if case .failure = result {
            ended.update { $0 = $0 ?? result }
        } else if isLast {
            ended.update { $0 = $0 ?? .success(()) }
        }
    }
}
