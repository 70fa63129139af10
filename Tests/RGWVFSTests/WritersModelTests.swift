import RGWTestKit
import Testing

/// Random operations of two mounts, each behind a kernel that caches, and of another client on one bucket: nothing
/// is lost, mixed or shown too long.
@Suite struct WritersModelTests {
    private static func check(_ seed: UInt64) {
        let plan = WritersRun.Plan.drawn(seed)
        guard WritersRun.failure(plan, plan.operations) != nil,
            let (operations, failure) = WritersRun.shrunk(plan)
        else { return }
        let steps = operations.map { "\n    \($0)" }.joined()
        Issue.record("seed \(seed), \(plan.text): \(failure)\(steps)")
    }

    @Test(arguments: Array(stride(from: UInt64(1), to: 200, by: 20)))
    func writersLoseAndMixNothing(first: UInt64) {
        for seed in first..<first + 20 { Self.check(seed) }
    }
}
