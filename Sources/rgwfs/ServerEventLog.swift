import Logging
import RGWClient
import RGWMount

/// When the server stops answering and when it answers again, as log lines.
enum ServerEventLog {
    static func write(_ event: ServerWatch.Event, _ plan: MountPlan, to log: Logger) {
        switch event {
        case .silent(let error):
            log.warning(
                "the server does not answer, still trying",
                metadata: ["server": "\(plan.server)", "reason": "\(error)"])
        case .answers(let time):
            log.info(
                "the server answers again",
                metadata: ["server": "\(plan.server)", "after": "\(AgeText.of(time))"])
        }
    }
}
