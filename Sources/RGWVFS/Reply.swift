package import RGWBase

/// The one answer a request gets. It cannot be copied; dropping it unanswered is a programming error that
/// traps in debug builds and answers EIO in release builds, so the kernel never waits for ever.
package struct Reply<Value>: ~Copyable, Sendable {
    private let sink: @Sendable (Result<Value, FileSystemError>) -> Void
    private var answered = false
    /// How the request may be given up; nil: it may not.
    let interruption: Interruption?

    package init(
        interruption: Interruption? = nil,
        _ sink: @escaping @Sendable (Result<Value, FileSystemError>) -> Void
    ) {
        self.interruption = interruption
        self.sink = sink
    }

    package consuming func succeed(_ value: Value) {
        answered = true
        sink(.success(value))
    }

    package consuming func fail(_ error: FileSystemError) {
        answered = true
        sink(.failure(error))
    }

    package consuming func send(_ result: Result<Value, FileSystemError>) {
        answered = true
        sink(result)
    }

    /// Puts the answer off: the network must be asked first.
    package consuming func park() -> ParkedReply<Value> {
        answered = true
        return ParkedReply(interruption: interruption, sink)
    }

    deinit {
        if !answered {
            assertionFailure("a request was dropped without an answer")
            sink(.failure(.inputOutput))
        }
    }
}
