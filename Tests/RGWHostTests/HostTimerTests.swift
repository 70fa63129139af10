import RGWBase
import Testing

@testable import RGWHost

@Suite struct HostTimerTests {
    @Test func callsComeInTheOrderOfTheirTimes() throws {
        let timer = try HostTimer()
        let calls = HostCondition([Int]())
        // Holds the timer's thread until all are scheduled, so that no time passes between them.
        let gate = HostCondition(false)
        timer.schedule(at: .distantPast) { _ = gate.wait(until: soon()) { $0 ? true : nil } }
        let start = HostClock().now()
        for (offset, name) in [(6, 3), (0, 0), (3, 1), (3, 2)] {
            timer.schedule(at: start + .milliseconds(offset)) {
                calls.update { $0.append(name) }
            }
        }
        gate.update { $0 = true }
        let order = calls.wait(until: soon()) { $0.count == 4 ? $0 : nil }
        #expect(order == [0, 1, 2, 3])
        timer.stop()
    }

    @Test func callIsNeverEarly() throws {
        let timer = try HostTimer()
        let early = HostCondition([Bool]())
        for milliseconds in [0, 1, 2, 5, 10] {
            let deadline = HostClock().now() + .milliseconds(milliseconds)
            timer.schedule(at: deadline) {
                let now = HostClock().now()
                early.update { $0.append(now < deadline) }
            }
        }
        let seen = early.wait(until: soon()) { $0.count == 5 ? $0 : nil }
        #expect(seen == [false, false, false, false, false])
        timer.stop()
    }

    @Test func earlierCallOvertakesALaterOneThatWaits() throws {
        let timer = try HostTimer()
        let called = HostCondition(false)
        timer.schedule(at: soon()) { Issue.record("the later one came") }
        timer.schedule(at: .distantPast) { called.update { $0 = true } }
        #expect(called.wait(until: soon()) { $0 ? true : nil } == true)
        #expect(timer.pending == 1)
        timer.stop()
        #expect(timer.pending == 0)
    }

    @Test func stopFromACallDoesNotHang() throws {
        let timer = try HostTimer()
        let stopped = HostCondition(false)
        timer.schedule(at: .distantPast) {
            timer.stop()
            stopped.update { $0 = true }
        }
        #expect(stopped.wait(until: soon()) { $0 ? true : nil } == true)
    }
}
