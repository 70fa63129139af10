import RGWBase
import RGWHost
import Synchronization
import Testing

/// The pools of a mount.
@Suite struct HostLanesTests {
    @Test func longJobsDelayNoShortOnes() throws {
        let lanes = try HostLanes()
        let hasRun = HostCondition(false)
        for _ in 0..<16 {
            lanes.lanes.long.submit { hasRun.wait { $0 ? .done(()) : .until(.distantFuture) } }
        }
        lanes.lanes.short.submit { hasRun.update { $0 = true } }
        lanes.shutDown()
        #expect(hasRun.read { $0 })
    }

    @Test func whatGoesFromLaneToLaneIsRunBeforeTheEnd() throws {
        let lanes = try HostLanes()
        let steps = Mutex<[ThreadDuty?]>([])
        let step: @Sendable () -> Void = { steps.withLock { $0.append(ThreadDuty.current) } }
        let queues = lanes.lanes
        queues.long.submit {
            step()
            queues.journal?.submit {
                step()
                queues.spool.submit {
                    step()
                    queues.short.submit { step() }
                }
            }
        }
        lanes.shutDown()
        #expect(steps.withLock { $0 } == [.long, .journal, .spool, .short])
    }
}
