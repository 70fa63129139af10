import Logging
import RGWBase
import RGWClient
import RGWFuse
import RGWHost
import RGWMount
import RGWVFS

/// A mount's life in its own process: check, mount, answer, serve, drain.
enum MountService {
    /// What the main thread waits for.
    private struct Events: Sendable {
        var isReady = false
        var ended: Result<FuseSession.End, FuseError>?
        var signals: [HostSignal] = []
        var requestsToEnd = 0
    }

    private enum Next {
        case signal(HostSignal)
        case ended(Result<FuseSession.End, FuseError>)
    }

    /// Returns after the unmount and the drain. `report.succeed` is called when the mount answers;
    /// an error before that is thrown, after it logged.
    static func run(_ plan: MountPlan, report: DaemonReport) throws(MountFailure) {
        let log = LineLog.logger(
            foreground: plan.settings.isForeground, verbose: plan.settings.isVerbose)
        do throws(HostError) {
            try HostSignals.block()
        } catch { throw .system("\(error)") }
        let parts = try Composition(plan, log: log)
        let events = HostCondition(Events())
        try clear(plan.mountPoint, log)
        let session = parts.session(plan) { events.update { $0.isReady = true } }
        do throws(FuseError) {
            try session.mount()
        } catch { throw .refused(sentence(error)) }
        let thread: HostThread
        let signals: HostSignals
        do throws(HostError) {
            signals = try HostSignals { deliver($0, events, log) }
            thread = try HostThread(name: "fuse") { serve(session, events) }
            try answers(plan, session, events, parts.clock)
            let source = plan.source.description
            if !UserMountTable.add(source: source, mountPoint: plan.mountPoint.path) {
                log.warning("umount will not wait for uploads: no line in /run/mount/utab")
            }
            try report.succeed()
        } catch {
            giveUp(session, log)
            throw .refused("\(plan.mountPoint.path) does not answer: \(error)")
        }
        log.info(
            "mounted",
            metadata: ["source": "\(plan.source)", "mount_point": "\(plan.mountPoint.path)"])
        parts.fileSystem.start()
        serveUntilEnd(plan, parts, session, events, log)
        finish(plan, parts, events, log)
        session.stop()
        thread.join()
        giveUp(session, log)
        session.destroy()
        signals.stop()
        parts.shutDown(log)
    }

    /// Takes away what an rgwfs left that was killed.
    private static func clear(_ point: MountPoint, _ log: Logger) throws(MountFailure) {
        guard point.hasDeadMount else { return }
        do throws(HostError) {
            try Unmounting.unmount(point.path, forced: false, lazily: true)
        } catch { throw .mountPoint(.unusable(point.path, reason: error.reason)) }
        log.info("a dead mount was replaced", metadata: ["mount_point": "\(point.path)"])
    }

    /// Who asks twice to end does not want to wait for the drain; what waits is safe in the spool.
    private static func deliver(
        _ signal: HostSignal, _ events: HostCondition<Events>, _ log: Logger
    ) {
        let asksToEnd = signal == .terminate || signal == .interrupt
        let isSecond = events.update { state in
            state.signals.append(signal)
            guard asksToEnd else { return false }
            state.requestsToEnd += 1
            return state.requestsToEnd > 1
        }
        guard isSecond else { return }
        log.warning("ended without waiting for uploads; they go on at the next mount")
        HostProcess.exit(ExitStatus.success.rawValue)
    }

    private static func serve(_ session: FuseSession, _ events: HostCondition<Events>) {
        let result: Result<FuseSession.End, FuseError>
        do throws(FuseError) {
            result = .success(try session.run())
        } catch { result = .failure(error) }
        events.update { $0.ended = result }
    }

    /// INIT has been answered, and a stat and an attribute of the root come through the kernel.
    private static func answers(
        _ plan: MountPlan, _ session: FuseSession, _ events: HostCondition<Events>,
        _ clock: HostClock
    ) throws(HostError) {
        let deadline = clock.now() + plan.settings.client.connectTimeout
        let isReady = events.wait(until: deadline) { state -> Bool? in
            state.isReady ? true : (state.ended == nil ? nil : false)
        }
        // ETIMEDOUT, errno.h.
        guard isReady == true else {
            throw HostError("mount", path: plan.mountPoint.path, errno: 110)
        }
        _ = try HostNames.status(plan.mountPoint.path)
        _ = try HostAttributes.text(
            MountStatus.Attribute.pending.rawValue, of: plan.mountPoint.path)
    }

    /// Until somebody unmounts, or SIGTERM or SIGINT asks for it.
    private static func serveUntilEnd(
        _ plan: MountPlan, _ parts: Composition, _ session: FuseSession,
        _ events: HostCondition<Events>, _ log: Logger
    ) {
        while true {
            switch next(events) {
            case .ended(.success(let end)):
                return log.info("unmounted", metadata: ["end": "\(end)"])
            case .ended(.failure(let error)):
                return log.error("the mount broke", metadata: ["reason": "\(sentence(error))"])
            case .signal(.hangUp):
                _ = parts.credentials.refresh()
                parts.fileSystem.resumeUploads()
            case .signal(.user1):
                let status = parts.fileSystem.status()
                log.info("status", metadata: ["pending": "\(status.pending)"])
            case .signal(.terminate), .signal(.interrupt):
                log.info("asked to end")
                unmount(session, log)
                return
            }
        }
    }

    private static func next(_ events: HostCondition<Events>) -> Next {
        events.wait { state in
            if !state.signals.isEmpty { return .done(.signal(state.signals.removeFirst())) }
            if let ended = state.ended { return .done(.ended(ended)) }
            return .until(.distantFuture)
        }
    }

    /// Programs that still use the mount keep it until this process ends, out of everybody else's
    /// sight.
    private static func unmount(_ session: FuseSession, _ log: Logger) {
        do throws(FuseError) {
            try session.unmount()
            return
        } catch { log.info("in use", metadata: ["reason": "\(sentence(error))"]) }
        do throws(FuseError) {
            try session.unmount(lazy: true)
        } catch { log.warning("not unmounted", metadata: ["reason": "\(sentence(error))"]) }
    }

    private static func giveUp(_ session: FuseSession, _ log: Logger) {
        do throws(FuseError) {
            try session.unmount(lazy: true)
        } catch { log.debug("not unmounted", metadata: ["reason": "\(sentence(error))"]) }
    }

    /// Uploads what waits, for as long as drain_timeout.
    private static func finish(
        _ plan: MountPlan, _ parts: Composition, _ events: HostCondition<Events>, _ log: Logger
    ) {
        let left = parts.drain(for: plan.volume.drainTimeout)
        guard left.pending > 0 || !left.failures.isEmpty else { return }
        let status = MountStatus(
            pending: UInt64(max(0, left.pending)), pendingBytes: left.pendingBytes,
            uploading: UInt64(max(0, left.uploading)), failed: UInt64(left.failures.count))
        log.warning("\(status.leftover(spool: plan.spool.directory))")
    }

    /// libfuse's sentence in the form of ours: no capital at the start, no full stop.
    private static func sentence(_ error: FuseError) -> String {
        let text = error.description
        let body = text.hasSuffix(".") ? text.dropLast() : text[...]
        return body.prefix(1).lowercased() + body.dropFirst()
    }
}
