import RGWBase
import Testing

@testable import RGWHost

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
