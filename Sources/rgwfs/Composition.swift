import Logging
import RGWAttributes
import RGWBase
import RGWClient
import RGWControl
import RGWCurl
import RGWFuse
import RGWHost
import RGWJournal
import RGWMount
import RGWObject
import RGWSpool
import RGWVFS
import RGWWire

/// One mount's parts, put together: the only place that knows the concrete types.
///
/// Owns them; `shutDown` ends them in the opposite order.
final class Composition: Sendable {
    let clock = HostClock()
    let fileSystem: FileSystem
    let credentials: FileCredentials
    let notices = KernelNoticeThread()
    private let transport: CurlTransport
    private let counted: CountedTransport
    private let timer: HostTimer
    private let workers: HostLanes
    private let spool: SpoolDirectory
    private let journal: SQLiteJournal
    private let files: HostFiles
    let attributes: SQLiteAttributes
    private let started: Instant
    let startedAt: WallTime
    /// Counts the kernel's requests.
    let meter: FuseMeter
    /// Uploads that the transport has room for.
    let uploadsMax: Int
    /// The answer to what the bucket does with old versions; nil: it is not asked for.
    private let versioning: (request: any Cancellable, isKnown: HostCondition<Bool>)?

    /// Asks the server first, so that a mount that cannot work leaves no spool behind.
    init(_ plan: MountPlan, log: Logger) throws(MountFailure) {
        let failPoints = try LiveFailPoints.make()
        let descriptorsMax = try Self.descriptors()
        let environment: LiveEnvironment
        do throws(HostError) {
            timer = try HostTimer()
            workers = try HostLanes()
            environment = try LiveEnvironment()
        } catch { throw .system("\(error)") }
        started = clock.now()
        startedAt = clock.wallTime()
        meter = FuseMeter(clock: clock)
        uploadsMax = max(CurlConfiguration().bulkTransfersMax, plan.volume.uploadsMax)
        transport = try Self.transport(plan, clock)
        credentials = FileCredentials(
            plan, transport: transport, clock: clock, timer: timer, environment: environment,
            log: log)
        try credentials.begin()
        let failures = FailureRelay()
        counted = CountedTransport(
            transport, clock: clock,
            onFailure: { failure in
                ServerEventLog.write(failure, to: log)
                failures.tell(failure)
            },
            onEvent: { ServerEventLog.write($0, plan, to: log) })
        let asking = Self.store(plan.preflightClient, transport, credentials, clock, timer)
        try Self.preflight(plan, store: asking, clock)
        let store = Self.store(plan.settings.client, counted, credentials, clock, timer)
        versioning = Self.learnVersioning(plan, from: asking, for: store)
        spool = try SpoolHolder.takeOver(plan, clock)
        do throws(MountFailure) {
            try SpoolHolder.register(plan, log)
        } catch {
            SpoolHolder.leaveNothing(spool, plan)
            throw error
        }
        attributes = AttributeCache.open(plan, log: log)
        do throws(SpoolError) {
            journal = try SQLiteJournal(path: spool.journalPath)
            files = try HostFiles(
                spool: spool.path, clock: clock, descriptorsMax: descriptorsMax)
            fileSystem = try FileSystem(
                configuration: plan.volume,
                store: store, journal: journal, files: files,
                afterPowerCut: Self.isAfterPowerCut(spool), clock: clock,
                entropy: HostEntropy(), timer: timer, lanes: workers.lanes,
                events: { VolumeEventLog.write($0, to: log) }, failPoints: failPoints,
                kernel: notices, attributes: attributes)
            failures.set { [weak fileSystem] failure in
                if failure.isBusy { fileSystem?.slowDown(retryAfter: failure.retryAfter) }
            }
            try spool.lock.noteRecovered(mountPoint: plan.mountPoint.path)
        } catch {
            attributes.close()
            SpoolHolder.leaveNothing(spool, plan)
            throw .spool(SpoolSentence.text(error, spool: plan.spool.directory))
        }
    }

    /// How many files this process may have open. With too few it would fail in the middle of something.
    private static func descriptors() throws(MountFailure) -> Int {
        let most: Int
        do throws(HostError) {
            most = try HostProcess.raiseDescriptorLimit()
        } catch { throw .system("\(error)") }
        if let sentence = Finding.tooFewDescriptors(most) { throw .system(sentence) }
        return most
    }

    /// After a mount that was refused: a spool that was made for it goes again.
    func leaveNothing(_ plan: MountPlan) { SpoolHolder.leaveNothing(spool, plan) }

    /// After `shutDown`.
    func removeSpool(_ plan: MountPlan) { SpoolHolder.remove(spool, plan) }

    /// The mount's FUSE side; `onReady` is called when requests are served.
    func session(_ plan: MountPlan, onReady: @escaping @Sendable () -> Void) -> FuseSession {
        var options = FuseOptions()
        options.allowOther = plan.settings.allowsOther(mountingUser: HostProcess.effectiveUser)
        options.allowRoot = plan.settings.allowsRoot
        options.readOnly = plan.volume.readOnly
        options.flags = plan.settings.kernelOptions.compactMap { FuseOptions.Flag(rawValue: $0) }
        return FuseSession(
            fileSystem: fileSystem, source: plan.source.description,
            mountPoint: plan.mountPoint.path, options: options, meter: meter, onReady: onReady)
    }

    /// Sends everything that waits; calls back when it has been tried. Nobody changes files any
    /// more.
    func drain(then done: @escaping @Sendable () -> Void) {
        fileSystem.drain(deadline: .distantFuture) { _ in done() }
    }

    /// With new keys, what was refused is tried again at once.
    func lookAtCredentials() {
        guard credentials.look() else { return }
        _ = fileSystem.retry(path: nil)
        fileSystem.resumeUploads()
    }

    /// Of the spool's file system; nil: it does not tell.
    var freeBytes: UInt64? {
        let volume = try? files.volume()
        return volume?.freeBytes
    }

    /// Since when the server has not answered; nil: it does.
    var silence: ServerWatch.Silence? { counted.silence }

    var tallies: [S3Operation: RequestTally] { counted.counts }
    var requestsUnderWay: Int { counted.underWay }

    /// What `rgwfs stats` shows.
    func stats() -> JSONValue {
        .object([
            "requests": StatsText.json(counted.counts), "operations": StatsText.json(meter),
            "cached_bytes": .integer(fileSystem.cachedBytes),
            "uptime_seconds": .seconds(clock.now() - started),
        ])
    }

    /// After the session has ended.
    func shutDown(_ log: Logger) {
        fileSystem.stop()
        credentials.stop()
        transport.shutDown()
        workers.shutDown()
        timer.stop()
        attributes.close()
        do throws(SpoolError) {
            try journal.close()
        } catch { log.warning("the journal could not be closed", metadata: ["reason": "\(error)"]) }
    }

    // MARK: Parts

    static func transport(
        _ plan: MountPlan, _ clock: HostClock
    ) throws(MountFailure) -> CurlTransport {
        var configuration = CurlConfiguration()
        configuration.caFile = plan.tls.authorities
        configuration.clientCertificateFile = plan.tls.certificate
        configuration.clientKeyFile = plan.tls.key
        configuration.verifiesPeer = plan.settings.verifiesCertificate
        configuration.proxy =
            switch plan.settings.proxy {
            case .environment: .environment
            case .none: .none
            case .url(let url): .url(url)
            }
        configuration.userAgent = "rgwfs/\(Program.version)"
        configuration.bulkTransfersMax = max(
            configuration.bulkTransfersMax, plan.volume.uploadsMax)
        do throws(CurlStartError) {
            return try CurlTransport(configuration: configuration, clock: clock)
        } catch { throw .system("cannot start libcurl") }
    }

    static func store(
        _ configuration: S3Configuration, _ transport: any HTTPTransport,
        _ credentials: FileCredentials, _ clock: HostClock, _ timer: HostTimer
    ) -> S3ObjectStore {
        S3ObjectStore(
            configuration: configuration, transport: transport, credentials: credentials,
            clock: clock, timer: timer, entropy: HostEntropy())
    }

    /// A LIST of one key: unlike HEAD's, its errors have a body with S3's code.
    static func preflight(
        _ plan: MountPlan, store: S3ObjectStore, _ clock: HostClock
    ) throws(MountFailure) {
        let prefix: ObjectKey?
        do throws(ObjectKey.Invalid) {
            prefix = plan.source.prefix.isEmpty ? nil : try ObjectKey(plan.source.prefix)
        } catch { throw .source(.prefix(source: "\(plan.source)", reason: "it is no key")) }
        let answer = HostCondition<Result<Void, ObjectStoreError>?>(nil)
        let request: any Cancellable
        if let bucket = plan.source.bucket {
            request = store.list(
                bucket, prefix: prefix, delimited: false, after: nil, limit: 1
            ) { result in answer.update { $0 = result.map { _ in } } }
        } else {
            request = store.listBuckets { result in answer.update { $0 = result.map { _ in } } }
        }
        let result = answer.wait(until: clock.now() + plan.settings.client.connectTimeout) { $0 }
        switch result {
        case .success: return
        case .failure(let error):
            var failure = PreflightFailure(error, plan.preflight)
            if failure.mayBeOtherScheme {
                failure.context.otherSchemeAnswers = OtherScheme.answers(plan, clock)
            }
            throw .server(failure)
        case nil:
            request.cancel()
            let error = ObjectStoreError(.timedOut, operation: "LIST \(plan.source)")
            throw .server(PreflightFailure(error, plan.preflight))
        }
    }

    /// What the bucket does with old versions decides how conditions are sent: one request, whose answer
    /// `waitForServer` waits for. Without an answer the first writes tell.
    private static func learnVersioning(
        _ plan: MountPlan, from asking: S3ObjectStore, for store: S3ObjectStore
    ) -> (request: any Cancellable, isKnown: HostCondition<Bool>)? {
        guard let bucket = plan.source.bucket, !plan.volume.readOnly else { return nil }
        let isKnown = HostCondition(false)
        let request = asking.versioning(of: bucket) { result in
            if case .success(let versioning) = result {
                store.learn(versioning: versioning, of: bucket)
            }
            isKnown.update { $0 = true }
        }
        return (request, isKnown)
    }

    /// Asks for the root while the bucket's versioning is being asked for, and waits for both, briefly: the server has
    /// just answered, and a mount does not fail for it.
    func waitForServer(_ patience: Duration) {
        let isRootKnown = HostCondition(false)
        fileSystem.learnRoot { isRootKnown.update { $0 = true } }
        let deadline = clock.now() + patience
        _ = isRootKnown.wait(until: deadline) { $0 ? true : nil }
        guard let versioning else { return }
        if versioning.isKnown.wait(until: deadline, { $0 ? true : nil }) == nil {
            versioning.request.cancel()
        }
    }

    /// The machine has started anew since the spool was last used, or nobody knows.
    private static func isAfterPowerCut(_ spool: SpoolDirectory) -> Bool {
        if spool.isNew { return false }
        return !(spool.lock.previousOwner?.isOfThisBoot ?? false)
    }
}
