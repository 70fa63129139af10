import Synchronization

/// How often something took how long: counted without a lock, by any thread, in some nanoseconds.
package final class LatencyCounter: Sendable {
    /// Upper bounds of the classes, in nanoseconds; above the last one there is no bound. From what the page of a
    /// cache takes to a server that has to be waited for.
    package static let bounds: [Int64] = [
        25_000, 100_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
        50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000,
        10_000_000_000, 60_000_000_000,
    ]

    private let classes: InlineArray<17, Atomic<UInt64>>
    private let nanoseconds = Atomic<UInt64>(0)

    package init() { classes = InlineArray { _ in Atomic(0) } }

    package func note(_ time: Duration) {
        let time = max(0, time.inNanoseconds)
        classes[Latencies.classIndex(time)].add(1, ordering: .relaxed)
        nanoseconds.add(UInt64(time), ordering: .relaxed)
    }

    /// What was counted so far. While others count, the parts may differ by those that come just now.
    package var latencies: Latencies {
        var result = Latencies()
        for index in result.counts.indices {
            result.counts[index] = classes[index].load(ordering: .relaxed)
        }
        result.nanoseconds = nanoseconds.load(ordering: .relaxed)
        return result
    }
}

/// The same as a value.
package struct Latencies: Equatable, Sendable {
    /// One for each of `LatencyCounter.bounds`, and one above.
    package var counts = [UInt64](repeating: 0, count: LatencyCounter.bounds.count + 1)
    /// All together.
    package var nanoseconds: UInt64 = 0

    package init() {}

    package var count: UInt64 { counts.reduce(0, &+) }

    package mutating func note(_ time: Duration) {
        let time = max(0, time.inNanoseconds)
        counts[Self.classIndex(time)] &+= 1
        nanoseconds &+= UInt64(time)
    }

    static func classIndex(_ nanoseconds: Int64) -> Int {
        LatencyCounter.bounds.firstIndex { nanoseconds <= $0 } ?? LatencyCounter.bounds.count
    }
}
