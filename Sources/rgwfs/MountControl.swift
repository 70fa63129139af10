import RGWAttributes
import RGWBase
import RGWClient
import RGWControl
import RGWHost
import RGWMount
import RGWSpool
import RGWVFS
import Synchronization

/// The mount as its socket shows it.
final class MountControl: ControlPort {
    private let parts: Composition
    private let events: MountEvents
    private let level: LogLevel
    private let cacheDirectory: String
    /// For how many uploads the mount was made.
    private let uploadsMax: Int
    /// What remounts have made of the mount's options.
    private let current: Mutex<MountSettings>
    /// What does not change.
    private let template: MountReport
    /// Who waits in `sync`. They are fewer than the socket has room for, so that asking is always
    /// possible.
    private let waiting = Mutex(0)

    /// Between two looks of a waiting `sync`, each of which is a line of progress.
    private static let pause = Duration.milliseconds(250)
    /// Until what failed for good before a `sync` is on its way again.
    private static let start = Duration.seconds(1)

    init(_ plan: MountPlan, _ parts: Composition, _ events: MountEvents, _ level: LogLevel) {
        self.parts = parts
        self.events = events
        self.level = level
        uploadsMax = parts.uploadsMax
        cacheDirectory = plan.spool.cacheDirectory
        current = Mutex(plan.settings)
        var report = MountReport()
        report.source = "\(plan.source)"
        report.server = "\(plan.server)"
        report.mountPoint = plan.mountPoint.path
        report.process = HostProcess.identifier
        report.spool = plan.spool.directory
        template = report
    }

    func report() -> MountReport {
        var report = template
        report.life = events.life
        report.drainTimeout = settings.volume.drainTimeout
        report.device = events.state.read { $0.device }.map { "\($0)" } ?? ""
        report.fill(parts.fileSystem.overview())
        report.lost = LostEntries.count(in: report.spool)
        report.spoolFree = parts.freeBytes
        if let silence = parts.silence {
            report.silent = max(.zero, parts.clock.now() - silence.since)
            report.silence = "\(silence.error)"
        }
        return report
    }

    func queue(limit: Int) -> [QueueItem] {
        parts.fileSystem.queue(limit: limit).map(QueueItem.init)
    }

    func retry(path: String?) -> Int {
        // New keys may be the reason to try again.
        if path == nil { parts.credentials.refreshEverything() }
        return parts.fileSystem.retry(path: path)
    }

    func resolve(path: String, _ resolution: Resolution) throws(ControlError) -> String {
        let answer = HostCondition<ConflictOutcome?>(nil)
        parts.fileSystem.resolve(path: path, resolution.choice) { done in
            answer.update { $0 = done }
        }
        let deadline = parts.clock.now() + .seconds(60)
        guard let outcome = answer.wait(until: deadline, { $0 }) else {
            throw ControlError(.failed, "the server does not answer; nothing was changed yet")
        }
        return try outcome.sentence(path: path)
    }

    func sync(
        for limit: Duration?, progress: (MountReport) -> Bool
    ) throws(ControlError) -> MountReport {
        let isLet = waiting.withLock { waiting in
            guard waiting < ControlSocket.waitingMax else { return false }
            waiting += 1
            return true
        }
        guard isLet else {
            throw ControlError(
                .failed, "\(ControlSocket.waitingMax) others wait for uploads already")
        }
        defer { waiting.withLock { $0 -= 1 } }
        let ended = HostCondition(false)
        let begun = parts.clock.now()
        let deadline = limit.map { begun + $0 } ?? .distantFuture
        var isTried = false
        parts.fileSystem.sync { _ in ended.update { $0 = true } }
        while true {
            let report = report()
            let now = parts.clock.now()
            let isStarting = !isTried && report.blocked > 0 && now < begun + Self.start
            let isMoving = report.isMoving || isStarting
            if now >= deadline || !isMoving || events.isStopping { return report }
            guard progress(report) else { return report }
            let next = min(deadline, now + Self.pause)
            // What failed meanwhile, or was changed again, is waited for anew.
            if ended.wait(until: next, { $0 ? true : nil }) == true {
                isTried = true
                ended.update { $0 = false }
                parts.fileSystem.sync { _ in ended.update { $0 = true } }
            }
        }
    }

    func stats() -> JSONValue { parts.stats() }

    func cacheStatus() -> JSONValue {
        CacheReport(directory: cacheDirectory, attributes: parts.attributes.size()).json
    }

    func cacheDrop() -> JSONValue {
        parts.attributes.removeAll()
        return cacheStatus()
    }

    var settings: MountSettings { current.withLock { $0 } }

    func remount(_ request: RemountRequest) throws(ControlError) -> JSONValue {
        let remount: Remount
        do throws(OptionError) {
            remount = try Remount(
                request.options, over: settings, uploadsMax: uploadsMax, sloppy: request.isSloppy,
                mountingUser: HostProcess.effectiveUser)
        } catch { throw ControlError(.badRequest, "\(error)") }
        if !request.isTrial {
            current.withLock { $0 = remount.settings }
            level.set(remount.settings.logLevel)
            parts.fileSystem.reconfigure(remount.settings.volume)
        }
        return RemountRequest.answer(
            changed: remount.changed, warnings: remount.settings.warnings)
    }

    func handOver() throws(ControlError) {
        guard events.life != .mounted else {
            throw ControlError(
                .wrongState,
                "already mounted by pid \(template.process) at \(template.mountPoint)")
        }
        events.state.update { $0.isHandedOver = true }
    }

    func finish() { events.state.update { $0.isToFinish = true } }
}

extension MountReport {
    mutating func fill(_ overview: VolumeOverview) {
        pending = UInt64(max(0, overview.pending))
        pendingBytes = overview.pendingBytes
        uploading = UInt64(max(0, overview.uploading))
        retrying = UInt64(max(0, overview.retrying))
        open = UInt64(max(0, overview.open))
        blocked = UInt64(max(0, overview.blocked))
        conflicts = UInt64(max(0, overview.conflicts))
        oldest = overview.oldest
        hidden = UInt64(max(0, overview.hidden))
        failures = overview.failures.map(QueueItem.init)
        spoolFailure = overview.spoolFailure
        settling = UInt64(max(0, overview.settling))
        refused = overview.refused
        refusals = overview.refusals.map(QueueItem.init)
        writesRefused = overview.writesRefusedFor
        unreadable = UInt64(max(0, overview.unreadable))
        refusedReads = overview.refusedReads.map {
            RGWControl.RefusedRead(path: $0.path, error: $0.reason, age: $0.age)
        }
        sending = overview.sending.map(QueueItem.init)
    }
}

extension QueueItem {
    init(_ change: PendingChange) {
        self.init(
            path: change.path, key: change.key, want: Self.word(change.want),
            state: change.state.rawValue, tries: UInt64(max(0, change.tries)),
            error: change.error, age: change.age, bytes: change.bytes, next: change.next,
            sending: change.sending.map { sending in
                Sending(
                    bytes: sending.bytes,
                    partsDone: sending.partsDone.flatMap { UInt64(exactly: $0) },
                    parts: sending.parts.flatMap { UInt64(exactly: $0) }, idle: sending.idle)
            })
    }

    static func word(_ want: IntentRecord.Want) -> String {
        switch want {
        case .put: "put"
        case .copy: "copy"
        case .metadata: "metadata"
        case .delete: "delete"
        case .makeDirectory: "mkdir"
        case .removeDirectory: "rmdir"
        }
    }
}

extension Resolution {
    var choice: ConflictResolution {
        switch self {
        case .local: .local
        case .remote: .remote
        case .both: .both
        }
    }
}

extension ConflictOutcome {
    /// What was done, as a sentence.
    func sentence(path: String) throws(ControlError) -> String {
        let shown = Shown.text(path)
        switch self {
        case .sending: return "\(shown): the local version is uploaded over the other one"
        case .setAside:
            return "\(shown): the bucket's version stays; the local one is in lost/ of the spool"
        case .renamed(let name):
            return "\(shown): the local version is uploaded as \(Shown.text(name))"
        case .nothingThere: throw ControlError(.notFound, "nothing waits at \(shown)")
        case .noConflict: throw ControlError(.wrongState, "\(shown) is not in conflict")
        case .open:
            throw ControlError(
                .wrongState, "a program has \(shown) open; try again when it is closed")
        case .server(let error): throw ControlError(.failed, "\(shown): \(error)")
        case .spool(let error):
            throw ControlError(.failed, "\(shown): the spool: \(Shown.text("\(error)"))")
        }
    }
}
