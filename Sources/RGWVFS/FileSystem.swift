package import RGWBase
package import RGWObject
package import RGWSpool
import Synchronization

/// A mounted bucket: FUSE's operations over the object store and the spool.
///
/// Owns the volume's state behind one Mutex. An operation runs its decision under that lock, and everything
/// else (journal, spool files, requests, replies) after unlocking. What it lacks it fetches, and then
/// decides again from the start, so no decision rests on what was true before a wait.
package final class FileSystem: FileSystemOperations {
    // Dependencies.
    let store: any ObjectStore
    let journalStore: any Journal
    let spool: any SpoolFiles
    let meter: SpoolMeter
    let clock: any Clock
    let entropy: any Entropy
    let timer: any Timer
    let lanes: WorkLanes
    let events: @Sendable (VolumeEvent) -> Void
    let failPoints: FailPoints?
    let kernel: any KernelNotices
    let attributes: any AttributeStore
    // Constants.
    let configuration: VolumeConfiguration
    let layout: Layout
    let dataIDs: Atomic<UInt64>
    let cutNumbers = Atomic<UInt64>(1)
    let spares: SpareFiles
    /// Bytes of downloads that wait for the spool's disk.
    let blockRoom = BlockRoom(bytesMax: 32 << 20)
    /// Guarded state.
    let state: Mutex<VolumeState>

    /// What an operation sees of time.
    struct Moment: Sendable {
        let now: Instant
        /// When the operation began.
        let since: Instant
        let time: WallTime
    }

    /// Of an operation that begins now.
    func moment() -> Moment {
        let now = clock.now()
        return Moment(now: now, since: now, time: clock.wallTime())
    }

    enum Step<Value: Sendable>: Sendable {
        case done(Value)
        case need(Need)
    }

    /// Recovers what an earlier mount left in the spool; no network.
    ///
    /// `afterPowerCut`: the machine has started anew since the spool was last used, so what was not synced may
    /// be gone. Errors: what the journal or the spool's directory could not do.
    package init(
        configuration: VolumeConfiguration, store: any ObjectStore, journal: any Journal,
        files disk: any SpoolFiles, afterPowerCut: Bool, clock: any Clock, entropy: any Entropy,
        timer: any Timer, lanes: WorkLanes,
        events: @escaping @Sendable (VolumeEvent) -> Void, failPoints: FailPoints? = nil,
        kernel: any KernelNotices = NoKernelNotices(),
        attributes: any AttributeStore = NoAttributeStore()
    ) throws(SpoolError) {
        self.store = store
        journalStore = journal
        meter = SpoolMeter()
        let files = MeteredFiles(disk, meter: meter)
        spool = files
        self.clock = clock
        self.entropy = entropy
        self.timer = timer
        self.lanes = lanes
        self.events = events
        self.failPoints = failPoints
        self.kernel = kernel
        self.attributes = attributes
        self.configuration = configuration
        layout = Layout(bucket: configuration.bucket, prefix: configuration.prefix)
        let contents = try journal.load()
        failPoints?(.recoveryLoaded)
        dataIDs = Atomic(contents.nextData.value)
        spares = SpareFiles(countMax: configuration.spareFilesMax)
        var fresh = VolumeState(
            configuration: configuration, nextInode: contents.nextInode,
            space: SpoolSpace(configuration, try files.volume()), now: clock.now(),
            time: clock.wallTime())
        let taken = attributes.takenNumbers()
        fresh.numbers.avoid(taken)
        fresh.kept.hasNumbers = taken.largest != nil || !taken.derived.isEmpty
        fresh.sealedData = Set(contents.nodes.flatMap(\.sealedDataFiles))
        let recovered = try Recovery.restore(
            contents, files: files, afterPowerCut: afterPowerCut, into: &fresh, now: clock.now(),
            time: clock.wallTime())
        fresh.restorePartials(contents, afterPowerCut: afterPowerCut)
        failPoints?(.recoveryRestored)
        state = Mutex(fresh)
        if recovered.files > 0 || recovered.lost > 0 {
            events(.recovered(files: recovered.files, lost: recovered.lost))
        }
        keepReserve()
        if let error = commitNow() { throw error }
        failpoint(.recoveryCommitted)
    }

    /// An empty data file, made now or before.
    func newData() throws(SpoolError) -> (DataID, any SpoolFile) {
        let (spare, makes) = spares.take(clock.now())
        if makes { lanes.spool.submit { [self] in remove(spares.fill(makeData)) } }
        let made: SpareFiles.Made
        if let spare { made = spare } else { made = try makeData() }
        failpoint(.dataCreated)
        return made
    }

    private func makeData() throws(SpoolError) -> SpareFiles.Made {
        let id = DataID(dataIDs.wrappingAdd(1, ordering: .relaxed).oldValue)
        return (id, try spool.create(id))
    }

    // MARK: The one way to the state

    /// Runs `body` under the lock, then the actions it left behind.
    @discardableResult
    func withState<Value: Sendable>(_ body: (inout VolumeState) -> Value) -> Value {
        let (value, actions, notices, dropped, keeps) = state.withLock { state in
            let value = body(&state)
            state.keepIndexes()
            let actions = state.actions
            if !actions.isEmpty { state.actions = [] }
            let notices = state.notices
            if !notices.isEmpty { state.notices = [] }
            let dropped = state.inodes.hasDropped ? state.inodes.takeDropped() : []
            return (value, actions, notices, dropped, state.kept.takeDue())
        }
        defer { withExtendedLifetime(dropped) {} }
        for action in actions { action() }
        for notice in notices { kernel.post(notice) }
        if let keeps { keepAttributes(keeps) }
        return value
    }

    /// Decides, fetching what is missing, commits what the decision changed, and replies.
    /// `undoes`: when the journal does not keep the change, it is taken back. Not for changes of bytes,
    /// which are in the spool file already.
    func perform<Value: Sendable>(
        _ reply: consuming Reply<Value>, undoes: Bool = false,
        _ decide:
            @escaping @Sendable (inout VolumeState, Moment) throws(FileSystemError) -> Step<Value>
    ) {
        let since = clock.now()
        switch attempt(since, undoes, decide) {
        case .answer(let result, nil): reply.send(result)
        case .answer(let result, .some(let ticket)):
            commit(ticket, reply: reply.park(), result)
        case .need(let need):
            fetchAndRetry(need, reply.park(), since, undoes, decide, attempts: 1)
        }
    }

    /// Bounds how often an operation may find that it lacks something more.
    private static let attemptsMax = 24

    private enum Outcome<Value: Sendable> {
        case answer(Result<Value, FileSystemError>, ticket: UInt64?)
        case need(Need)
    }

    private func attempt<Value: Sendable>(
        _ since: Instant, _ undoes: Bool,
        _ decide: (inout VolumeState, Moment) throws(FileSystemError) -> Step<Value>
    ) -> Outcome<Value> {
        let moment = Moment(now: clock.now(), since: since, time: clock.wallTime())
        return withState { state in
            if state.isStopping { return .answer(.failure(.shuttingDown), ticket: nil) }
            let before = state.journal.enqueued
            if undoes { state.startNoting() }
            defer { if undoes { state.journal.note(state.stopNoting(), after: before) } }
            do throws(FileSystemError) {
                switch try decide(&state, moment) {
                case .done(let value):
                    let changed = state.journal.enqueued != before
                    return .answer(.success(value), ticket: changed ? state.journal.enqueued : nil)
                case .need(let need): return .need(need)
                }
            } catch {
                let changed = state.journal.enqueued != before
                return .answer(.failure(error), ticket: changed ? state.journal.enqueued : nil)
            }
        }
    }

    private func fetchAndRetry<Value: Sendable>(
        _ need: Need, _ reply: ParkedReply<Value>, _ since: Instant, _ undoes: Bool,
        _ decide:
            @escaping @Sendable (inout VolumeState, Moment) throws(FileSystemError) -> Step<Value>,
        attempts: Int
    ) {
        wait(reply) { whenOver in
            fetch(need) { [self] error in
                whenOver { [self] in
                    if let error { return reply.fail(error) }
                    if attempts >= Self.attemptsMax { return reply.fail(.stale) }
                    switch attempt(since, undoes, decide) {
                    case .answer(let result, nil): reply.send(result)
                    case .answer(let result, .some(let ticket)):
                        commit(ticket, reply: reply, result)
                    case .need(let next):
                        fetchAndRetry(
                            next, reply, since, undoes, decide, attempts: attempts + 1)
                    }
                }
            }
        }
    }
}
