import RGWObject
import Synchronization

/// Gathers the answers of one DeleteObjects and of single DELETEs for keys that XML cannot carry.
///
/// Guarded by its mutex; completes when every request has answered.
final class DeleteBatch: Cancellable {
    private struct State {
        var open: Int
        var failures: [DeleteFailure] = []
        var error: ObjectStoreError?
        var calls: [any Cancellable] = []
        var cancelled = false
    }
    private let state: Mutex<State>
    private let completion: Completion<[DeleteFailure]>

    init(requests: Int, completion: @escaping Completion<[DeleteFailure]>) {
        state = Mutex(State(open: requests))
        self.completion = completion
    }

    /// Must be called once for each request, with its call.
    func keep(_ call: any Cancellable) {
        let cancels = state.withLock { state in
            state.calls.append(call)
            return state.cancelled
        }
        if cancels { call.cancel() }
    }

    func cancel() {
        let calls = state.withLock { state in
            state.cancelled = true
            return state.calls
        }
        for call in calls { call.cancel() }
    }

    func ended(_ result: Result<[DeleteFailure], ObjectStoreError>) {
        let finished = state.withLock { state -> State? in
            switch result {
            case .success(let failures): state.failures += failures
            case .failure(let error): state.error = state.error ?? error
            }
            state.open -= 1
            guard state.open == 0 else { return nil }
            defer { state.calls = [] }
            return state
        }
        guard let finished else { return }
        completion(finished.error.map { .failure($0) } ?? .success(finished.failures))
    }

    /// The answer to a single DELETE.
    func ended(_ key: ObjectKey, _ result: Result<Void, ObjectStoreError>) {
        switch result {
        case .success: ended(.success([]))
        case .failure(let error): ended(.success([DeleteFailure(key: key, error: error)]))
        }
    }
}
