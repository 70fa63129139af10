package import RGWBase

/// The pools of a mount: one for each kind of work, so that none waits for another (decision 102).
///
/// Owns the threads. Jobs may submit others to any lane; `shutDown` runs all of them before it ends the threads.
package final class HostLanes: Sendable {
    private static let longMax = 8
    private static let spoolMax = 4
    /// One may be in a barrier.
    private static let shortMax = 2

    private let pools: [HostWorkers]
    /// Jobs of all lanes that wait or run.
    private let pending: HostCondition<Int>
    package let lanes: WorkLanes

    package init() throws(HostError) {
        let pending = HostCondition(0)
        var pools: [HostWorkers] = []
        func lane(_ duty: ThreadDuty, _ count: Int) throws(HostError) -> Lane {
            let pool = try HostWorkers(name: duty.rawValue, count: count, duty: duty)
            pools.append(pool)
            return Lane(pool: pool, pending: pending)
        }
        do throws(HostError) {
            lanes = WorkLanes(
                long: try lane(.long, Self.longMax), spool: try lane(.spool, Self.spoolMax),
                short: try lane(.short, Self.shortMax), journal: try lane(.journal, 1))
        } catch {
            for pool in pools { pool.shutDown() }
            throw error
        }
        self.pools = pools
        self.pending = pending
    }

    /// Runs what was submitted, and what that submits, then ends the threads. Not from a job.
    package func shutDown() {
        pending.wait { $0 == 0 ? .done(()) : .until(.distantFuture) }
        for pool in pools { pool.shutDown() }
    }

    /// Counts a job from before it is submitted until after it has run: the count is not 0 while a job that will
    /// submit another one is left.
    private struct Lane: WorkQueue {
        let pool: HostWorkers
        let pending: HostCondition<Int>

        func submit(_ job: @escaping @Sendable () -> Void) {
            pending.updateIfWaking { count in
                count += 1
                return false
            }
            pool.submit { [pending] in
                job()
                pending.updateIfWaking { count in
                    count -= 1
                    return count == 0
                }
            }
        }
    }
}
