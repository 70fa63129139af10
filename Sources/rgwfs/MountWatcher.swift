import Logging
import RGWBase
import RGWControl
import RGWHost
import Synchronization

/// Tells the log and the service manager how uploads go: once for each change.
///
/// Guarded by `watch`.
final class MountWatcher: Sendable {
    private let watch = Mutex(MountWatch())
    private let notice = ServiceNotice()
    private let log: Logger

    /// Between two looks of a mount.
    static let pause = Duration.seconds(5)

    init(log: Logger) { self.log = log }

    /// The service manager's unit is up.
    func ready() { send(["READY=1", "MAINPID=\(HostProcess.identifier)"]) }

    func stopping() { send(["STOPPING=1"]) }

    func look(_ report: MountReport) {
        let (message, status) = watch.withLock { ($0.look(report), $0.status(report)) }
        switch message {
        case .stuck(let pending, let oldest):
            log.error(
                "uploads have failed for long and are tried again",
                metadata: [
                    "pending": "\(pending)", "oldest_seconds": "\(oldest.components.seconds)",
                ])
        case .moving: log.info("uploads work again")
        case nil: break
        }
        if let status { send(["STATUS=\(status)"]) }
    }

    private func send(_ lines: [String]) {
        guard let notice else { return }
        do throws(HostError) { try notice.send(lines) } catch {
            log.debug("the service manager was not told", metadata: ["reason": "\(error)"])
        }
    }
}
