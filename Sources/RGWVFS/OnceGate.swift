import Synchronization

/// Lets the first caller through.
final class OnceGate: Sendable {
    private let entered = Atomic<Bool>(false)
    func enter() -> Bool { !entered.exchange(true, ordering: .acquiringAndReleasing) }
}
