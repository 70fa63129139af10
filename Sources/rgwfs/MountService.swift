import Logging
import RGWBase
import RGWClient
import RGWControl
import RGWFuse
import RGWHost
import RGWMount
import RGWVFS

/// A mount's life in its own process: check, mount, answer, serve, drain.
enum MountService {
    /// Returns after the unmount and the drain. `report.succeed` is called when the mount answers;
    /// an error before that is thrown, after it logged.
    static func run(_ plan: MountPlan, report: DaemonReport) throws(MountFailure) {
        let level = LogLevel(plan.settings.logLevel)
        let log = LineLog.logger(foreground: plan.settings.isForeground, level: level)
        try SpoolHolder.refuseIfMounted(plan)
        if let problem = FuseDevice.problem() { throw .refused("/dev/fuse: \(problem)") }
        HostMemory.keepSmall()
        do throws(HostError) {
            try HostSignals.block()
        } catch { throw .system("\(error)") }
        let parts = try Composition(plan, log: log)
        do throws(MountFailure) {
            try serve(plan, parts, report, log, level)
        } catch {
            parts.leaveNothing(plan)
            throw error
        }
    }

    /// From the mount to the end of the process.
    private static func serve(
        _ plan: MountPlan, _ parts: Composition, _ report: DaemonReport, _ log: Logger,
        _ level: LogLevel
    ) throws(MountFailure) {
        parts.waitForServer(min(plan.settings.client.connectTimeout, .seconds(2)))
        let events = MountEvents()
        let control = MountControl(plan, parts, events, level)
        try clear(plan.mountPoint, log)
        let socket: HostListener
        // Before the mount: whoever sees it can ask it.
        do throws(HostError) {
            socket = try ControlSocket.serve(control, spool: plan.spool.directory)
        } catch { throw .spool("\(error)") }
        let metrics = try MetricsServer.start(
            plan.settings.metrics, MetricsCollector(parts: parts, control: control))
        let session = parts.session(plan) { events.state.update { $0.isReady = true } }
        do throws(FuseError) {
            try session.mount()
        } catch { throw .refused(sentence(error)) }
        events.state.update { state in
            state.device = session.device.map { HostDevice(major: $0.major, minor: $0.minor) }
        }
        let (thread, notices, signals): (HostThread, HostThread, HostSignals)
        do throws(HostError) {
            signals = try HostSignals { deliver($0, events, log) }
            thread = try HostThread(name: "fuse") { serve(session, events) }
            notices = try parts.notices.start(session)
            try waitUntilReady(plan, events, parts.clock)
            let source = plan.source.description
            if !UserMountTable.add(source: source, mountPoint: plan.mountPoint.path) {
                log.warning("umount will not wait for uploads: no line in /run/mount/utab")
            }
            try report.succeed()
        } catch {
            giveUp(session, events, log)
            throw .refused("\(plan.mountPoint.path) does not answer: \(error)")
        }
        log.info(
            "mounted",
            metadata: ["source": "\(plan.source)", "mount_point": "\(plan.mountPoint.path)"])
        let watch = MountWatcher(log: log)
        watch.ready()
        parts.fileSystem.start()
        let isAsked = serveUntilEnd(parts, session, events, control, watch, log)
        watch.stopping()
        MountFarewell(
            parts: parts, control: control, events: events, watch: watch, log: log,
            timeout: control.settings.volume.drainTimeout
        ).upload(lingers: plan.settings.lingers && !isAsked)
        events.state.update { $0.isStopping = true }
        session.stop()
        thread.join()
        giveUp(session, events, log)
        if parts.notices.stop(until: parts.clock.now() + Self.noticesMax) { notices.join() }
        session.destroy()
        signals.stop()
        socket.stop()
        metrics?.stop()
        let left = control.report()
        parts.shutDown(log)
        // Nothing ever waits in it; the next one at another directory has another.
        if plan.volume.readOnly, left.pending == 0, left.lost == 0 { parts.removeSpool(plan) }
    }

    /// How long a notice to the kernel may still take at the end.
    private static let noticesMax = Duration.seconds(1)

    /// Takes away what an rgwfs left that was killed.
    private static func clear(_ point: MountPoint, _ log: Logger) throws(MountFailure) {
        guard point.hasDeadMount else { return }
        do throws(HostError) {
            try Unmounting.unmount(point.path, forced: false, lazily: true)
        } catch { throw .mountPoint(.unusable(point.path, reason: error.reason)) }
        log.info("a dead mount was replaced", metadata: ["mount_point": "\(point.path)"])
    }

    /// Who asks twice to end does not want to wait for the drain; what waits is safe in the spool.
    private static func deliver(_ signal: HostSignal, _ events: MountEvents, _ log: Logger) {
        guard events.deliver(signal) else { return }
        log.warning("ended without waiting for uploads; they go on at the next mount")
        HostProcess.exit(ExitStatus.success.rawValue)
    }

    private static func serve(_ session: FuseSession, _ events: MountEvents) {
        let result: Result<FuseSession.End, FuseError>
        do throws(FuseError) {
            result = .success(try session.run())
        } catch { result = .failure(error) }
        events.state.update { $0.ended = result }
    }

    /// Until INIT has been answered: the kernel talks to this process, and every request from now
    /// on is served. A look at the mount from here would hang this process on itself when its
    /// threads die meanwhile.
    private static func waitUntilReady(
        _ plan: MountPlan, _ events: MountEvents, _ clock: HostClock
    ) throws(HostError) {
        let deadline = clock.now() + plan.settings.client.connectTimeout
        // ETIMEDOUT, errno.h.
        guard events.waitUntilReady(deadline) else {
            throw HostError("mount", path: plan.mountPoint.path, errno: 110)
        }
    }

    /// Until somebody unmounts (false), or SIGTERM or SIGINT asks for it (true).
    private static func serveUntilEnd(
        _ parts: Composition, _ session: FuseSession, _ events: MountEvents,
        _ control: MountControl, _ watch: MountWatcher, _ log: Logger
    ) -> Bool {
        var memory = MemoryKeeper()
        while true {
            switch events.next(until: parts.clock.now() + MountWatcher.pause) {
            case .ended(.success(let end)):
                log.info("unmounted", metadata: ["end": "\(end)"])
                return false
            case .ended(.failure(let error)):
                log.error("the mount broke", metadata: ["reason": "\(sentence(error))"])
                return false
            case .signal(.hangUp):
                parts.credentials.refreshEverything()
                parts.fileSystem.resumeUploads()
                _ = parts.fileSystem.retry(path: nil)
            case .signal(.user1):
                log.info("status", metadata: ["pending": "\(control.report().pending)"])
            case .signal(.terminate), .signal(.interrupt):
                log.info("asked to end")
                unmount(session, log)
                return true
            case .handedOver:
                log.info("taken away here; a new mount takes over")
                return true
            case nil:
                watch.look(control.report())
                parts.lookAtCredentials()
                memory.look()
            }
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

    private static func giveUp(_ session: FuseSession, _ events: MountEvents, _ log: Logger) {
        guard events.isInTree else { return }
        do throws(FuseError) {
            try session.unmount(lazy: true)
        } catch { log.debug("not unmounted", metadata: ["reason": "\(sentence(error))"]) }
    }

    /// libfuse's sentence in the form of ours: no capital at the start, no full stop.
    private static func sentence(_ error: FuseError) -> String {
        let text = error.description
        let body = text.hasSuffix(".") ? text.dropLast() : text[...]
        return body.prefix(1).lowercased() + body.dropFirst()
    }
}
