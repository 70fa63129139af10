import Logging
import RGWBase
import RGWClient
import RGWHost
import RGWMount
import Synchronization

/// Keeps a session of keys alive: fetches it before the mount, again before it ends, and when the server refuses it.
///
/// Owns a thread from the first fetch on; `stop` must be called before the last reference goes.
final class SessionKeeper: Sendable {
    typealias Done = @Sendable (CredentialsRenewal) -> Void

    private struct State: Sendable {
        var source: CredentialsSource
        var renewal = SessionRenewal()
        var isWanted = false
        var waiting: [Done] = []
        var isStopping = false
        /// Changed since `takeNews` was asked last.
        var isNew = false
    }

    private let state: HostCondition<State>
    private let fetch: SessionFetch
    private let clock: HostClock
    private let timer: HostTimer
    private let log: Logger
    /// Nothing is called under it but the start.
    private let thread = Mutex<HostThread?>(nil)

    init(_ source: CredentialsSource, fetch: SessionFetch, timer: HostTimer, log: Logger) {
        state = HostCondition(State(source: source))
        self.fetch = fetch
        clock = fetch.clock
        self.timer = timer
        self.log = log
    }

    /// The keys, or those that have just ended; nil: there were none yet.
    var current: Credentials? { state.read { $0.renewal.session?.credentials } }

    /// The first session, which a mount does not begin without; starts the thread.
    func begin() throws(MountFailure) {
        let session: CredentialsSession
        do throws(CredentialsError) {
            session = try fetch.session(state.read { $0.source })
        } catch { throw .credentials(error) }
        keep(session)
        do throws(HostError) { try startThread() } catch { throw .system("\(error)") }
    }

    /// Another way to the keys: they are fetched at once, by the thread.
    func replace(_ source: CredentialsSource) throws(HostError) {
        state.update { state in
            state.source = source
            state.isWanted = true
        }
        try startThread()
    }

    /// Fetches new ones at once.
    func want() { state.update { $0.isWanted = true } }

    /// True: the keys have changed since this was asked last.
    func takeNews() -> Bool {
        state.update { state in
            defer { state.isNew = false }
            return state.isNew
        }
    }

    func renew(refused: Credentials, isDefinite: Bool, then done: @escaping Done) {
        let (now, wall) = (clock.now(), clock.wallTime())
        let answer: CredentialsRenewal? = state.update { state in
            if state.isStopping { return .same }
            switch state.renewal.judge(
                refused: refused, isDefinite: isDefinite, now: now, wall: wall)
            {
            case .isOld: return .renewed
            case .isMeant: return .same
            case .renew:
                state.isWanted = true
                state.waiting.append(done)
                return nil
            }
        }
        if let answer { done(answer) }
    }

    func stop() {
        let waiting = state.update { state in
            state.isStopping = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for done in waiting { done(.same) }
        thread.withLock { $0.take() }?.join()
    }

    private func startThread() throws(HostError) {
        let problem: HostError? = thread.withLock { thread in
            guard thread == nil else { return nil }
            do throws(HostError) {
                thread = try HostThread(name: "credentials") { [self] in
                    while let source = next() { renewNow(source) }
                }
                return nil
            } catch { return error }
        }
        if let problem { throw problem }
    }

    /// Waits until there is something to fetch; nil: the end.
    private func next() -> CredentialsSource? {
        state.wait { [clock] state in
            if state.isStopping { return .done(nil) }
            let due = state.renewal.due
            guard state.isWanted || clock.now() >= due else { return .until(due) }
            state.isWanted = false
            return .done(state.source)
        }
    }

    private func renewNow(_ source: CredentialsSource) {
        do throws(CredentialsError) {
            keep(try fetch.session(source))
            tell(.renewed)
        } catch {
            let isNews = state.update { $0.renewal.failed(now: clock.now()) }
            if isNews {
                log.warning("credentials could not be renewed", metadata: ["reason": "\(error)"])
            }
            var isFinal = false
            if case .noSession(_, _, let final) = error { isFinal = final }
            tell(isFinal ? .same : .unavailable)
        }
    }

    private func keep(_ session: CredentialsSession) {
        let (now, wall) = (clock.now(), clock.wallTime())
        let isFirst = state.update { state in
            let isFirst = state.renewal.session == nil
            state.renewal.obtained(session, now: now, wall: wall)
            state.isNew = !isFirst
            return isFirst
        }
        guard !isFirst else { return }
        log.info("credentials were renewed")
    }

    /// On the timer's thread: what follows may be a decision, and this thread waits for networks.
    private func tell(_ outcome: CredentialsRenewal) {
        let waiting = state.update { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for done in waiting { timer.schedule(at: clock.now()) { done(outcome) } }
    }
}
