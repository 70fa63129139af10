import Logging
import RGWBase
import RGWControl
import RGWHost
import RGWMount
import RGWVFS

/// After the unmount: uploads what waits, until everything is in the bucket, only failures are
/// left, the time is over, or a new mount or the user wants an end.
struct MountFarewell {
    let parts: Composition
    let control: MountControl
    let events: MountEvents
    let watch: MountWatcher
    let log: Logger
    /// Of SIGTERM and of the `nolinger` option.
    let timeout: Duration
    /// About once a second while something waits.
    var onLook: (MountReport) -> Void = { _ in }

    private enum Next: Sendable {
        case end
        case timeout
        case reread
        /// Everything was tried once.
        case tried
        case look
    }

    /// Between two looks at what waits.
    private static let pause = Duration.seconds(1)

    /// `lingers`: without a limit in time.
    func upload(lingers: Bool) {
        var deadline: Instant = lingers ? .distantFuture : parts.clock.now() + timeout
        drain()
        var report = control.report()
        if report.isMoving {
            log.info(
                "uploading what still waits",
                metadata: ["pending": "\(report.pending)", "bytes": "\(report.pendingBytes)"])
        }
        var isTried = false
        while report.isMoving, parts.clock.now() < deadline {
            watch.look(report)
            onLook(report)
            switch next(until: deadline) {
            case .end: deadline = .distantPast
            case .timeout: deadline = min(deadline, parts.clock.now() + timeout)
            case .reread:
                parts.credentials.refreshEverything()
                _ = parts.fileSystem.retry(path: nil)
            case .tried: isTried = true
            case .look:
                parts.lookAtCredentials()
                // What was put off meanwhile is waited for again, but not without a pause.
                if isTried { drain() }
                isTried = false
            }
            report = control.report()
        }
        if report.state != .clean { log.warning("\(report.leftover)") }
    }

    private func drain() {
        parts.drain { [events] in events.state.update { $0.isDrained = true } }
    }

    private func next(until deadline: Instant) -> Next {
        let until = min(deadline, parts.clock.now() + Self.pause)
        let next = events.state.wait(until: until) { state -> Next? in
            if state.isHandedOver || state.isToFinish { return .end }
            if state.isDrained {
                state.isDrained = false
                return .tried
            }
            guard !state.signals.isEmpty else { return nil }
            switch state.signals.removeFirst() {
            case .terminate, .interrupt: return .timeout
            case .hangUp: return .reread
            case .user1: return .look
            }
        }
        return next ?? .look
    }
}
