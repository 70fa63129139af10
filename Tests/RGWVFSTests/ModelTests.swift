import RGWTestKit
import Testing

/// Random operations on a mount and on the specification; whatever happens, they agree.
@Suite struct ModelTests {
    private static func check(_ seed: UInt64, _ adjust: (inout ModelRun.Plan) -> Void) {
        var plan = ModelRun.Plan(seed: seed)
        adjust(&plan)
        guard ModelRun.failure(plan, plan.operations) != nil,
            let (operations, failure) = ModelRun.shrunk(plan)
        else { return }
        let steps = operations.map { "\n    \($0)" }.joined()
        Issue.record("seed \(seed): \(failure)\(steps)")
    }

    @Test(arguments: [UInt64(1), 1001, 2001, 3001])
    func theMountIsTheSpecificationAlsoAfterCrashes(first: UInt64) {
        for seed in first..<first + 15 { Self.check(seed) { _ in } }
    }

    @Test(arguments: [UInt64(4001), 5001, 6001, 7001])
    func lostRequestsAndAnswersChangeNothing(first: UInt64) {
        for seed in first..<first + 15 { Self.check(seed) { $0.faults = 25 } }
    }

    @Test(arguments: [UInt64(10_001), 11_001, 12_001, 13_001])
    func filesThatAreHereInPartAreWholeToPrograms(first: UInt64) {
        for seed in first..<first + 15 {
            Self.check(seed) {
                $0.wholeBytesMax = 2
                $0.faults = seed % 2 == 0 ? 0 : 20
            }
        }
    }

    /// Buckets in which conditions are not checked by the server: alone in it, a mount misses nothing.
    @Test(arguments: [UInt64(14_001), 15_001])
    func serversThatCheckNoConditionsChangeNothing(first: UInt64) {
        for seed in first..<first + 15 {
            Self.check(seed) {
                $0.faults = seed % 2 == 0 ? 0 : 15
                $0.habits.looksFirst = seed % 3 != 0
                $0.habits.ignoresCreateOnly = seed % 3 != 1
            }
        }
    }

    @Test(arguments: [UInt64(8001), 9001])
    func anotherClientsKeysChangeNothing(first: UInt64) {
        for seed in first..<first + 15 {
            Self.check(seed) {
                $0.faults = 10
                $0.stranger = true
            }
        }
    }
}
