package import RGWBase
import Synchronization

/// A reply that waits for an event. Closures may share it; the first answer counts, a second one traps.
package final class ParkedReply<Value>: Sendable {
    private let sink: @Sendable (Result<Value, FileSystemError>) -> Void
    private let answered = Atomic<Bool>(false)
    let interruption: Interruption?

    init(
        interruption: Interruption?,
        _ sink: @escaping @Sendable (Result<Value, FileSystemError>) -> Void
    ) {
        self.interruption = interruption
        self.sink = sink
    }

    package func succeed(_ value: Value) { send(.success(value)) }
    package func fail(_ error: FileSystemError) { send(.failure(error)) }

    package func send(_ result: Result<Value, FileSystemError>) {
        let before = answered.exchange(true, ordering: .acquiringAndReleasing)
        precondition(!before, "a request was answered twice")
        sink(result)
    }

    /// The answer to a request that tells nothing but whether it was done.
    func end(_ error: FileSystemError?) where Value == Void {
        if let error { fail(error) } else { succeed(()) }
    }

    deinit {
        if !answered.load(ordering: .acquiring) {
            assertionFailure("a parked request was dropped without an answer")
            sink(.failure(.inputOutput))
        }
    }
}
