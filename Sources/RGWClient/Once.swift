import Synchronization

/// A flag that turns true once; shared by the closures of one call.
final class Once: Sendable {
    private let done = Mutex(false)

    var isDone: Bool { done.withLock { $0 } }

    /// True for the first caller only.
    func first() -> Bool {
        done.withLock { done in
            defer { done = true }
            return !done
        }
    }
}
