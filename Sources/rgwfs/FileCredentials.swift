import Logging
import RGWBase
import RGWClient
import RGWHost
import RGWMount
import RGWObject
import RGWWire
import Synchronization

/// The mount's credentials, read again when their files change, when the server refuses them, and on
/// SIGHUP. Where they have an end, a keeper fetches them.
///
/// Guarded by `state`; files are read outside it.
final class FileCredentials: CredentialsProvider {
    /// What tells a file that was written again or replaced from the one that was read.
    private struct Stamp: Equatable {
        let inode: UInt64
        /// A file that others could read was refused; chmod(1) cures that.
        let permissions: UInt32
        let size: UInt64
        let mtime: WallTime
    }

    private struct State {
        var choice: CredentialsChoice
        /// Of the files when they were looked at last.
        var stamps: [Stamp?] = []
        /// The credentials are others than when `look` was called last.
        var isNew = false
    }

    private let bucket: BucketName
    private let environment: LiveEnvironment
    private let log: Logger
    private let state: Mutex<State>
    private let keeper: SessionKeeper

    init(
        _ plan: MountPlan, transport: any HTTPTransport, clock: HostClock, timer: HostTimer,
        environment: LiveEnvironment, log: Logger
    ) {
        bucket = plan.source.credentialsBucket
        self.environment = environment
        self.log = log
        let fetch = SessionFetch(
            transport: transport, environment: environment, server: plan.server,
            region: plan.settings.client.region, clock: clock)
        keeper = SessionKeeper(plan.credentials.source, fetch: fetch, timer: timer, log: log)
        // No stamps: the files may have changed since they were read.
        state = Mutex(State(choice: plan.credentials))
    }

    /// Fetches what has to be fetched before the server can be asked for anything.
    func begin() throws(MountFailure) {
        guard state.withLock(\.choice.credentials) == nil else { return }
        try keeper.begin()
    }

    func stop() { keeper.stop() }

    func current() -> Credentials {
        if let keys = state.withLock(\.choice.credentials) { return keys }
        // Before the first session nobody asks (`begin`); nothing is signed with nothing.
        return keeper.current ?? .keys(accessKey: "", secret: Secret(""))
    }

    func refresh(refused: Credentials) -> Bool {
        if current() != refused { return true }
        _ = refresh()
        return current() != refused
    }

    func renew(
        refused: Credentials, after error: ObjectStoreError,
        then done: @escaping @Sendable (CredentialsRenewal) -> Void
    ) {
        guard state.withLock(\.choice.credentials) == nil else {
            return done(refresh(refused: refused) ? .renewed : .same)
        }
        keeper.renew(
            refused: refused, isDefinite: error.kind == .badCredentials, then: done)
    }

    /// Somebody says that the keys are others now: everything is asked again.
    func refreshEverything() {
        _ = refresh()
        if state.withLock(\.choice.credentials) == nil { keeper.want() }
    }

    /// Reads the source again; true when the credentials changed.
    func refresh() -> Bool {
        let old = state.withLock(\.choice)
        let stamps = stamps(of: old)
        do throws(CredentialsError) {
            let new = try CredentialsSearch.reread(old, bucket: bucket, in: environment)
            if new.credentials == nil, new != old {
                do throws(HostError) { try keeper.replace(new.source) } catch {
                    log.warning("no thread for credentials", metadata: ["reason": "\(error)"])
                }
            }
            let changed = state.withLock { state in
                state.stamps = stamps
                guard new != state.choice else { return false }
                (state.choice, state.isNew) = (new, true)
                return true
            }
            if changed { log.info("credentials were read again") }
            return changed
        } catch {
            // The old ones may still be good. The same file is not complained of again.
            let isKnown = state.withLock { state in
                defer { state.stamps = stamps }
                return stamps.contains { $0 != nil } && state.stamps == stamps
            }
            if !isKnown {
                log.warning("credentials could not be read again", metadata: ["reason": "\(error)"])
            }
            return false
        }
    }

    /// Called now and then: reads a file that has changed; true when the credentials are new since
    /// the last call, whoever read them.
    func look() -> Bool {
        let (choice, known) = state.withLock { ($0.choice, $0.stamps) }
        let stamps = stamps(of: choice)
        if stamps.contains(where: { $0 != nil }), stamps != known { _ = refresh() }
        let isNewSession = keeper.takeNews()
        return state.withLock { state in
            defer { state.isNew = false }
            return state.isNew || isNewSession
        }
    }

    /// Nil when there is no file, or it cannot be looked at: then there is nothing to read either.
    private func stamps(of choice: CredentialsChoice) -> [Stamp?] {
        choice.files.map { path in
            do throws(HostError) {
                guard let status = try HostNames.status(path) else { return nil }
                return Stamp(
                    inode: status.inode, permissions: status.permissions, size: status.size,
                    mtime: status.mtime)
            } catch { return nil }
        }
    }
}
