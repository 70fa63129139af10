import Synchronization

/// Counts the blocks of one download, which come in order.
final class BlockPosition: Sendable {
    private let index: Atomic<UInt64>
    init(first: UInt64) { index = Atomic(first) }
    /// The block that comes next.
    var value: UInt64 { index.load(ordering: .relaxed) }
    func next() -> UInt64 { index.wrappingAdd(1, ordering: .relaxed).oldValue }
}
