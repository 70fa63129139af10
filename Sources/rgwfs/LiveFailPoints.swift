import RGWHost
import RGWMount
import RGWVFS
import Synchronization

/// Does at the fail points what a test asked for.
enum LiveFailPoints {
    /// Nil when nothing is asked for, which is always in production.
    static func make() throws(MountFailure) -> FailPoints? {
        guard let text = HostSurroundings.variable(FailPlan.variable), !text.isEmpty else {
            return nil
        }
        let plan: FailPlan
        do throws(FailPlan.Invalid) {
            plan = try FailPlan(parsing: text)
        } catch { throw .system("\(error)") }
        let visits = Visits()
        return { point in
            guard let trap = plan.traps[point], visits.count(point) == trap.visit else { return }
            switch trap.action {
            case .kill: HostProcess.killItself()
            case .pause: HostProcess.stopThread()
            }
        }
    }

    /// How often each point was come to.
    private final class Visits: Sendable {
        private let counts = Mutex<[FailPoint: Int]>([:])

        func count(_ point: FailPoint) -> Int {
            counts.withLock { counts in
                counts[point, default: 0] += 1
                return counts[point, default: 0]
            }
        }
    }
}
