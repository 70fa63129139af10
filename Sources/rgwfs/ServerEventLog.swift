import Logging
import RGWBase
import RGWClient
import RGWMount
import RGWWire

/// When the server stops answering and when it answers again, as log lines.
enum ServerEventLog {
    /// For who has asked for everything: each attempt, many of which are tried again and succeed.
    static func write(_ failure: RequestFailure, to log: Logger) {
        log.debug(
            "request failed",
            metadata: [
                "request": "\(failure.operation.rawValue)", "path": "\(failure.path)",
                "code": "\(failure.code)", "server.request": "\(failure.requestID ?? "none")",
                "ms": "\(failure.time.inNanoseconds / 1_000_000)",
            ])
    }

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
