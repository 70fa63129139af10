import RGWBase
import Testing

@testable import RGWHost

/// Far enough away that only a fault reaches it.
func soon() -> Instant { HostClock().now() + .seconds(30) }

@Suite struct HostConditionTests {
    @Test func waiterSeesTheChangeItWaitsFor() throws {
        let condition = HostCondition(0)
        let thread = try HostThread(name: "changer") {
            for _ in 0..<100 { condition.update { $0 += 1 } }
        }
        let seen = condition.wait(until: soon()) { $0 == 100 ? $0 : nil }
        #expect(seen == 100)
        thread.join()
    }

    @Test func deadlineEndsAWaitAndIsNotEarly() {
        let condition = HostCondition(0)
        let clock = HostClock()
        let deadline = clock.now() + .milliseconds(5)
        let answer: Int? = condition.wait(until: deadline) { _ in nil }
        #expect(answer == nil)
        #expect(clock.now() >= deadline)
    }

    @Test func pastDeadlineStillLooksOnce() {
        let condition = HostCondition(7)
        #expect(condition.wait(until: .distantPast) { $0 } == 7)
    }

    @Test func nobodyLosesAnUpdate() throws {
        let condition = HostCondition(0)
        let threads = try (0..<4).map { index in
            try HostThread(name: "adder-\(index)") {
                for _ in 0..<1_000 { condition.update { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(condition.read { $0 } == 4_000)
    }
}
