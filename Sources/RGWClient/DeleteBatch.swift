import RGWObject
import Synchronization

/// Deletes many keys of one bucket: those that XML can carry by one DeleteObjects where that is
/// safe, the others one by one, some at a time.
///
/// Guarded by its mutex; nothing is called under it. Completes when every request has answered.
final class DeleteBatch: Cancellable {
    /// Sends DeleteObjects.
    typealias Together = ([ObjectKey], @escaping Completion<[DeleteFailure]>) -> any Cancellable
    /// Sends one DELETE.
    typealias Alone = @Sendable (ObjectKey, @escaping Completion<Void>) -> any Cancellable

    private struct State {
        /// Still to be deleted alone, the next one last.
        var waiting: [ObjectKey]
        var running: [Int: any Cancellable] = [:]
        var started = 0
        /// Requests under way, whether or not their calls are kept already.
        var open: Set<Int> = []
        var failures: [DeleteFailure] = []
        var error: ObjectStoreError?
        var cancelled = false
    }
    private let state: Mutex<State>
    private let alone: Alone
    private let completion: Completion<[DeleteFailure]>

    /// DELETEs of one batch at the same time, so that it leaves connections to others.
    static let parallelMax = 16

    init(
        single: [ObjectKey], alone: @escaping Alone,
        completion: @escaping Completion<[DeleteFailure]>
    ) {
        state = Mutex(State(waiting: single.reversed()))
        self.alone = alone
        self.completion = completion
    }

    /// Must be called once. `safe` goes together; it may be empty, but not all keys may be.
    func start(_ safe: [ObjectKey], _ together: Together) -> Self {
        if !safe.isEmpty {
            let number = begin()
            keep(together(safe) { self.ended(number, $0) }, number)
        }
        for _ in 0..<Self.parallelMax { next() }
        return self
    }

    func cancel() {
        let calls = state.withLock { state in
            state.cancelled = true
            return Array(state.running.values)
        }
        for call in calls { call.cancel() }
    }

    /// A cancelled batch goes on with nothing: what was not sent is reported as cancelled.
    private func next() {
        let key = state.withLock { state in state.cancelled ? nil : state.waiting.popLast() }
        guard let key else { return }
        let number = begin()
        let call = alone(key) { result in
            switch result {
            case .success: self.ended(number, .success([]))
            case .failure(let error):
                self.ended(number, .success([DeleteFailure(key: key, error: error)]))
            }
        }
        keep(call, number)
    }

    private func begin() -> Int {
        state.withLock { state in
            state.started += 1
            state.open.insert(state.started)
            return state.started
        }
    }

    private func keep(_ call: any Cancellable, _ number: Int) {
        let cancels = state.withLock { state in
            if state.open.contains(number) { state.running[number] = call }
            return state.cancelled
        }
        if cancels { call.cancel() }
    }

    private func ended(_ number: Int, _ result: Result<[DeleteFailure], ObjectStoreError>) {
        next()
        let finished = state.withLock { state -> State? in
            switch result {
            case .success(let failures): state.failures += failures
            case .failure(let error): state.error = state.error ?? error
            }
            state.running[number] = nil
            state.open.remove(number)
            guard state.open.isEmpty else { return nil }
            if state.cancelled {
                let error = ObjectStoreError(.cancelled, operation: "DELETE")
                state.failures += state.waiting.map { DeleteFailure(key: $0, error: error) }
            }
            return state
        }
        guard let finished else { return }
        completion(finished.error.map { .failure($0) } ?? .success(finished.failures))
    }
}
