import RGWBase
import Synchronization
import Testing

@testable import RGWHost

/// Far enough away that only a fault reaches it.
private func soon() -> Instant { HostClock().now() + .seconds(30) }

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

@Suite struct HostWorkersTests {
    @Test func everyJobRunsOnceAndShutDownWaitsForIt() throws {
        let workers = try HostWorkers(name: "worker", count: 3)
        let runs = HostCondition([Int: Int]())
        for job in 0..<500 { workers.submit { runs.update { $0[job, default: 0] += 1 } } }
        workers.shutDown()
        #expect(runs.read { $0.count } == 500)
        #expect(runs.read { $0.values.allSatisfy { $0 == 1 } })
        #expect(workers.pending == 0)
    }

    @Test func jobsRunInParallelUpToTheNumberOfThreads() throws {
        let workers = try HostWorkers(name: "worker", count: 2)
        let meeting = HostCondition(0)
        for _ in 0..<2 {
            workers.submit {
                meeting.update { $0 += 1 }
                // Each waits for the other: one thread alone would never get past this.
                _ = meeting.wait(until: soon()) { $0 >= 2 ? true : nil }
                meeting.update { $0 += 10 }
            }
        }
        workers.shutDown()
        #expect(meeting.read { $0 } == 22)
    }

    @Test func submitNeverWaitsAndPendingCounts() throws {
        let workers = try HostWorkers(name: "worker", count: 1)
        let gate = HostCondition(false)
        for _ in 0..<1_000 {
            workers.submit { _ = gate.wait(until: soon()) { $0 ? true : nil } }
        }
        #expect(workers.pending == 1_000)
        gate.update { $0 = true }
        workers.shutDown()
        #expect(workers.pending == 0)
    }

    @Test func oneThreadRunsJobsInTheirOrder() throws {
        let workers = try HostWorkers(name: "worker", count: 1)
        let order = HostCondition([Int]())
        for job in 0..<100 { workers.submit { order.update { $0.append(job) } } }
        workers.shutDown()
        #expect(order.read { $0 } == Array(0..<100))
    }

    @Test(arguments: [1, 4])
    func jobsOfJobsRunWhileThePoolDrains(count: Int) throws {
        let workers = try HostWorkers(name: "worker", count: count)
        let gate = HostCondition(false)
        let runs = HostCondition(0)
        workers.submit {
            _ = gate.wait(until: soon()) { $0 ? true : nil }
            for _ in 0..<10 { workers.submit { runs.update { $0 += 1 } } }
        }
        let opener = try HostThread(name: "opener") { gate.update { $0 = true } }
        workers.shutDown()
        opener.join()
        #expect(runs.read { $0 } == 10)
        #expect(workers.refused == 0)
    }

    @Test func drainedPoolRefusesAndCounts() throws {
        let workers = try HostWorkers(name: "worker", count: 2)
        workers.shutDown()
        workers.submit { Issue.record("ran after the end") }
        #expect(workers.refused == 1)
        workers.shutDown()
    }

    @Test func threadsHaveTheirNames() throws {
        let workers = try HostWorkers(name: "upload", count: 1)
        let name = HostCondition("")
        workers.submit { name.update { $0 = HostThread.currentName } }
        workers.shutDown()
        #expect(name.read { $0 } == "upload-0")
    }

    @Test func longThreadNameIsCut() throws {
        let name = HostCondition("")
        let thread = try HostThread(name: "a-name-of-many-letters") {
            name.update { $0 = HostThread.currentName }
        }
        thread.join()
        #expect(name.read { $0 } == "a-name-of-many-")
    }
}

@Suite struct HostTimerTests {
    @Test func callsComeInTheOrderOfTheirTimes() throws {
        let timer = try HostTimer()
        let calls = HostCondition([Int]())
        let start = HostClock().now() + .milliseconds(20)
        for (offset, name) in [(6, 3), (0, 0), (3, 1), (3, 2)] {
            timer.schedule(at: start + .milliseconds(offset)) {
                calls.update { $0.append(name) }
            }
        }
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

@Suite struct HostClockTests {
    @Test func clocksGoForward() {
        let clock = HostClock()
        var last = clock.now()
        for _ in 0..<1_000 {
            let now = clock.now()
            #expect(now >= last)
            last = now
        }
        #expect(clock.wallTime() > WallTime(seconds: 1_700_000_000))
        #expect((0..<1_000_000_000).contains(clock.wallTime().nanoseconds))
    }

    @Test func entropyUsesAllBits() {
        var ones: UInt64 = 0
        var zeros: UInt64 = 0
        var seen = Set<UInt64>()
        for _ in 0..<200 {
            let value = HostEntropy().next()
            ones |= value
            zeros |= ~value
            seen.insert(value)
        }
        #expect(ones == .max)
        #expect(zeros == .max)
        #expect(seen.count == 200)
    }
}
