import Logging
import RGWBase
import RGWControl
import RGWFuse
import RGWHost
import RGWMount
import RGWVFS

/// Uploads what waits in a spool, without a mount.
enum SpoolUpload {
    /// What is left when everything was tried, or when it was interrupted.
    static func run(_ spool: CataloguedSpool, options: [String]) throws -> MountReport.State {
        let plan = try plan(spool, options)
        let level = LogLevel(plan.settings.logLevel)
        let log = LineLog.logger(foreground: true, level: level)
        try HostSignals.block()
        let parts = try Composition(plan, log: log)
        let events = MountEvents()
        events.state.update { $0.ended = .success(.unmounted) }
        let control = MountControl(plan, parts, events, level)
        let socket = try ControlSocket.serve(control, spool: plan.spool.directory)
        // Whoever interrupts a command wants it to end; what waits stays in the spool.
        let signals = try HostSignals { _ in events.state.update { $0.isToFinish = true } }
        parts.fileSystem.start()
        let progress = ProgressLine()
        MountFarewell(
            parts: parts, control: control, events: events, watch: MountWatcher(log: log),
            log: log, timeout: plan.volume.drainTimeout, onLook: { progress.show($0.progress) }
        ).upload(lingers: true)
        progress.end()
        let state = control.report().state
        events.state.update { $0.isStopping = true }
        signals.stop()
        socket.stop()
        parts.shutDown(log)
        return state
    }

    /// Server and source as the spool says them; the rest from the configuration and the options.
    private static func plan(_ spool: CataloguedSpool, _ options: [String]) throws -> MountPlan {
        var words = [spool.source, "/"]
        for text in ["url=\(spool.identity.endpoint)"] + options { words += ["-o", text] }
        let arguments: MountArguments
        do throws(UsageError) {
            arguments = try MountArguments(parsing: words)
        } catch { throw MountFailure.usage(error) }
        return try MountPlan(arguments, uploading: spool.path, in: try LiveEnvironment())
    }
}
