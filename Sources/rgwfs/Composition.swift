import Logging
import RGWBase
import RGWClient
import RGWCurl
import RGWFuse
import RGWHost
import RGWJournal
import RGWMount
import RGWObject
import RGWSpool
import RGWVFS

/// One mount's parts, put together: the only place that knows the concrete types.
///
/// Owns them; `shutDown` ends them in the opposite order.
final class Composition: Sendable {
    let clock = HostClock()
    let fileSystem: FileSystem
    let credentials: FileCredentials
    private let transport: CurlTransport
    private let timer: HostTimer
    private let workers: HostWorkers
    private let spool: SpoolDirectory
    private let journal: SQLiteJournal

    /// Threads that do the spool's and the journal's I/O for parked requests.
    private static let workersMax = 8

    /// Asks the server first, so that a mount that cannot work leaves no spool behind.
    init(_ plan: MountPlan, log: Logger) throws(MountFailure) {
        let failPoints = try LiveFailPoints.make()
        do throws(HostError) {
            timer = try HostTimer()
            workers = try HostWorkers(name: "worker", count: Self.workersMax)
            let environment = try LiveEnvironment()
            credentials = FileCredentials(
                plan.credentials, bucket: plan.source.credentialsBucket, environment: environment,
                log: log)
        } catch { throw .system("\(error)") }
        transport = try Self.transport(plan, clock)
        try Self.preflight(
            plan,
            store: Self.store(plan.preflightClient, transport, credentials, clock, timer), clock)
        spool = try Self.lockedSpool(plan, clock)
        do throws(SpoolError) {
            journal = try SQLiteJournal(path: spool.journalPath)
            fileSystem = try FileSystem(
                configuration: plan.volume,
                store: Self.store(plan.settings.client, transport, credentials, clock, timer),
                journal: journal, files: HostFiles(spool: spool.path, clock: clock),
                afterPowerCut: Self.isAfterPowerCut(spool), clock: clock,
                entropy: HostEntropy(), timer: timer, workers: workers,
                events: { VolumeEventLog.write($0, to: log) }, failPoints: failPoints)
        } catch { throw .spool(SpoolSentence.text(error, spool: plan.spool.directory)) }
    }

    /// The mount's FUSE side; `onReady` is called when requests are served.
    func session(_ plan: MountPlan, onReady: @escaping @Sendable () -> Void) -> FuseSession {
        var options = FuseOptions()
        options.allowOther = plan.settings.allowsOther
        options.allowRoot = plan.settings.allowsRoot
        options.readOnly = plan.volume.readOnly
        options.flags = plan.settings.kernelOptions.compactMap { FuseOptions.Flag(rawValue: $0) }
        return FuseSession(
            fileSystem: fileSystem, source: plan.source.description,
            mountPoint: plan.mountPoint.path, options: options, onReady: onReady)
    }

    /// Waits until everything is in the bucket or the time is over; what is left then.
    func drain(for time: Duration) -> VolumeStatus {
        let left = HostCondition<VolumeStatus?>(nil)
        let deadline = clock.now() + time
        fileSystem.drain(deadline: deadline) { status in left.update { $0 = status } }
        // The completion comes at the deadline at the latest; a little more for the timer's thread.
        return left.wait(until: deadline + .seconds(5)) { $0 } ?? fileSystem.status()
    }

    /// After the session has ended.
    func shutDown(_ log: Logger) {
        fileSystem.stop()
        transport.shutDown()
        workers.shutDown()
        timer.stop()
        do throws(SpoolError) {
            try journal.close()
        } catch { log.warning("the journal could not be closed", metadata: ["reason": "\(error)"]) }
    }

    // MARK: Parts

    private static func transport(
        _ plan: MountPlan, _ clock: HostClock
    ) throws(MountFailure) -> CurlTransport {
        var configuration = CurlConfiguration()
        configuration.caFile = plan.tls.authorities
        configuration.clientCertificateFile = plan.tls.certificate
        configuration.clientKeyFile = plan.tls.key
        configuration.verifiesPeer = plan.settings.verifiesCertificate
        configuration.userAgent = "rgwfs/\(Program.version)"
        configuration.bulkTransfersMax = max(
            configuration.bulkTransfersMax, plan.volume.uploadsMax)
        do throws(CurlStartError) {
            return try CurlTransport(configuration: configuration, clock: clock)
        } catch { throw .system("cannot start libcurl") }
    }

    private static func store(
        _ configuration: S3Configuration, _ transport: CurlTransport,
        _ credentials: FileCredentials, _ clock: HostClock, _ timer: HostTimer
    ) -> S3ObjectStore {
        S3ObjectStore(
            configuration: configuration, transport: transport, credentials: credentials,
            clock: clock, timer: timer, entropy: HostEntropy())
    }

    /// A LIST of one key: unlike HEAD's, its errors have a body with S3's code.
    private static func preflight(
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
        case .failure(let error): throw .server(PreflightFailure(error, plan.preflight))
        case nil:
            request.cancel()
            let error = ObjectStoreError(.timedOut, operation: "LIST \(plan.source)")
            throw .server(PreflightFailure(error, plan.preflight))
        }
    }

    /// The machine has started anew since the spool was last used, or nobody knows.
    private static func isAfterPowerCut(_ spool: SpoolDirectory) -> Bool {
        if spool.isNew { return false }
        guard let owner = spool.lock.previousOwner else { return true }
        return HostProcess.bootIdentifier() != owner.bootIdentifier
    }

    /// A mount that was just unmounted may still be draining: wait for it as long as for the
    /// server.
    private static func lockedSpool(
        _ plan: MountPlan, _ clock: HostClock
    ) throws(MountFailure) -> SpoolDirectory {
        let identity = SpoolIdentity(
            endpoint: plan.server.description, bucket: plan.source.bucket?.description ?? "/",
            prefix: String(decoding: plan.source.prefix, as: UTF8.self))
        let deadline = clock.now() + plan.settings.client.connectTimeout
        let pause = HostCondition<Void>(())
        while true {
            do throws(SpoolError) {
                return try SpoolDirectory(
                    path: plan.spool.directory, identity: identity, mountPoint: plan.mountPoint.path
                )
            } catch {
                guard case .busy = error, clock.now() < deadline else {
                    throw .spool(SpoolSentence.text(error, spool: plan.spool.directory))
                }
            }
            _ = pause.wait(until: clock.now() + .milliseconds(100)) { _ in nil as Void? }
        }
    }
}
