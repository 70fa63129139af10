import Synchronization

/// How many entries of the large tables have been visited by looking at all of them: what a decision costs that
/// grows with the mount. Read by the cost tests only; a visit of one entry by its key does not count.
final class ScanCount: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ entries: Int) { count.wrappingAdd(entries, ordering: .relaxed) }

    var value: Int { count.load(ordering: .relaxed) }
}
