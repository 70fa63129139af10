import RGWClient
import Synchronization

/// Hands failed requests on to who is made later than the transport that sees them.
///
/// Guarded by `receiver`, which is read for each failure and called without the lock.
final class FailureRelay: Sendable {
    private let receiver = Mutex<(@Sendable (RequestFailure) -> Void)?>(nil)

    func set(_ receiver: @escaping @Sendable (RequestFailure) -> Void) {
        self.receiver.withLock { $0 = receiver }
    }

    func tell(_ failure: RequestFailure) { receiver.withLock { $0 }?(failure) }
}
