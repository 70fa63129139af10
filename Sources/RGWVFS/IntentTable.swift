import HeapModule
import RGWBase
import RGWObject
import RGWSpool

/// The desired next state of every key with unsent changes, and the one request under way for each:
/// at most one intent and at most one flight a key, by construction. Pure; guarded by the volume's state.
struct IntentTable: Sendable {
    struct Intent: Sendable {
        var record: IntentRecord
        /// Grows with every rewrite: a flight of an older revision leaves the intent in place.
        var revision: UInt64
        var due: Instant
        /// When the oldest unsent change was made: the upload is not put off beyond born + delayMax.
        var born: Instant
        /// Not to start yet: the file is open and unflushed, or deleted and still open.
        var held: Bool
        var tries = 0
        /// Requests of earlier attempts that the server did not answer, or not with what it thinks of the object.
        var failedRequests = 0
        /// It was repeated at once since something last succeeded.
        var isRepeated = false
        /// How often its file had to go beside another client's version.
        var conflicts = 0
        /// What the last attempt failed with, whether it may pass or not; nil: nothing failed since a success.
        var lastError: ObjectStoreError?
        /// Failed for good; tried again rarely, until the cause is mended or the user gives it up.
        var blocked: ObjectStoreError?
        /// The object is looked at before anything is sent: a request of unknown outcome may have changed it.
        var inspects = false
        /// When the object at the key was last known to be what it should be.
        var lookedAt: Instant
        /// When the server was last seen to have `record.base`; nil: not since the intent was made.
        var confirmedAt: Instant?
        /// A deletion that is not to go with others: its object is not what it should be.
        var isAlone = false
        /// It is done, but a request of unknown outcome may yet undo it; looked at again when due.
        var settling: Settling?
        var waiters: [Waiting] = []
        /// A program waits for it, or for what it stands in the way of: it goes before those that
        /// nobody waits for. Until it is done.
        var isAwaited = false
    }

    /// The tag that the key had when its intent was done; nil: no object.
    struct Settling: Sendable {
        var tag: ETag?
    }

    /// Who is told when an intent of at most this revision is in the bucket.
    struct Waiting: Sendable {
        var revision: UInt64
        var waiter: SyncWaiter
        /// A failure that may pass by itself does not end the wait: for draining, not for fsync.
        var isPatient: Bool
    }

    /// A request under way, with what it sends.
    struct Flight: Sendable {
        var address: ObjectAddress
        var want: IntentRecord.Want
        var inode: InodeNumber?
        var base: ETag?
        var source: CopySource?
        var revision: UInt64
        var generation: Generation
        var tries: Int
        /// See Intent.inspects.
        var inspects: Bool
        /// See Intent.settling.
        var settling: Settling?
        /// The server was seen to have `base` so recently that it need not be asked again.
        var isConfirmed = false
        /// It sends a copy of its file: changes of the file itself do not matter to it.
        var isOfCopy = false
        /// Which DeleteObjects it is part of; nil: it is a request of its own.
        var batch: UInt64?
        /// It is not only being made ready.
        var isSent = false
        /// How far it has come; one for all that go together.
        let progress: RequestProgress
    }

    /// Requests for a key that were sent and whose outcome never became known: they may take effect late.
    struct Unsettled: Sendable {
        /// As the journal keeps it.
        var record: FlightRecord
        /// After that none of them takes effect any more.
        var until: Instant
    }

    /// An upload in parts that the server knows.
    struct Upload: Sendable {
        var record: UploadRecord
        /// The tag of the whole, from when it is put together.
        var tag: ETag?
        /// When to try to free its parts, once it is not wanted; nil: not yet tried.
        var abortAt: Instant?
        var isAborting = false
    }

    struct Due: Comparable, Sendable {
        var due: Instant
        var order: UInt64
        var address: ObjectAddress
        static func < (a: Self, b: Self) -> Bool { (a.due, a.order) < (b.due, b.order) }
        static func == (a: Self, b: Self) -> Bool { a.due == b.due && a.order == b.order }
    }

    // Changed by this type's extensions only.
    var intents = IntentStore()
    private(set) var flights: [ObjectAddress: Flight] = [:]
    /// How many of them were sent by themselves.
    var sentCount = 0
    var unsettled: [ObjectAddress: Unsettled] = [:]
    /// An answer of the server made something due: the timer does not know.
    var hasUrgent = false
    /// When they are looked through next: an hour of errors leaves as many as there are files.
    var expiresAt = Instant.distantPast
    var uploads: [ObjectAddress: Upload] = [:]
    /// Keys of which an earlier mount may have begun an upload whose id it could not note, since when.
    var sweeps: [ObjectAddress: WallTime] = [:]
    /// Keys and key prefixes that a rename is working on: nothing starts there.
    var reservedKeys: [ObjectAddress: Int] = [:]
    var reservedPrefixes: [KeyPrefix] = []
    var queue = Heap<Due>()
    /// Those of them that somebody waits for.
    var awaited = Heap<Due>()
    /// How many of these were started since the last one of the others.
    var awaitedInARow = 0
    /// Popped but not startable; looked at again when something settles.
    var stalled: Set<ObjectAddress> = []
    /// Deletions that may start; they gather to go together.
    var ready = ReadyDeletions()
    /// False where the server cannot delete many objects with one request.
    var gathersDeletions = true
    /// Flights of each DeleteObjects under way.
    var batches: [UInt64: Int] = [:]
    /// The keys whose intent names a key as `after`.
    var followers: [ObjectAddress: Set<ObjectAddress>] = [:]
    /// Those of them whose `after` has ended; the journal is to be told.
    var released: [ObjectAddress] = []
    /// The targets of pending copies by their sources, and the other way round.
    var copies: [ObjectAddress: Set<ObjectAddress>] = [:]
    var sources: [ObjectAddress: [ObjectAddress]] = [:]
    /// Intents and flights below each directory, whole buckets included.
    var below = PendingTree()
    var nextRevision: UInt64 = 1
    var nextBatch: UInt64 = 1

    // MARK: Questions

    func isPending(_ address: ObjectAddress) -> Bool {
        intents[address] != nil || flights[address] != nil
    }

    /// Something is to be done for the key yet, not only looked at again.
    func isUndone(_ address: ObjectAddress) -> Bool {
        flights[address] != nil || intents[address] != nil && !settlingKeys.contains(address)
    }

    /// A request for the key may or may not have taken effect: it may exist although no base is known.
    func isUncertain(_ address: ObjectAddress) -> Bool { unsettled[address] != nil }

    /// The same for any key below a directory, and its marker.
    func hasUncertain(under prefix: KeyPrefix) -> Bool {
        unsettled.keys.contains(where: prefix.contains)
    }

    /// A request of this mount, whose outcome was not known, may leave an object below a directory.
    func mayLeave(below marker: ObjectAddress) -> Bool {
        let prefix = KeyPrefix(marker: marker)
        return unsettled.contains { address, known in
            address != marker && prefix.contains(address)
                && !(known.record.want.isDeletion && known.record.tags.isEmpty)
        }
    }

    /// A request of this mount, whose outcome was not known, may have left this version.
    func isOwn(_ tag: ETag, at address: ObjectAddress) -> Bool {
        unsettled[address]?.record.tags.contains(tag) ?? false
    }

    /// A deletion by this mount, whose outcome was not known, may have taken what was there.
    func mayDelete(_ address: ObjectAddress) -> Bool {
        unsettled[address]?.record.mayDelete ?? false
    }

    /// Intents and flights under a directory, its own marker not counted.
    func pendingBelow(_ prefix: KeyPrefix, marker: ObjectAddress?) -> Int {
        let all = prefix.bucket == nil ? allCount : below.count(prefix)
        guard let marker, isPending(marker), prefix.contains(marker) else { return all }
        return all - 1
    }

    /// Of them, those that are not done.
    func undoneBelow(_ prefix: KeyPrefix, marker: ObjectAddress?) -> Int {
        let settling = settlingKeys.count {
            $0 != marker && flights[$0] == nil && prefix.contains($0)
        }
        return pendingBelow(prefix, marker: marker) - settling
    }

    /// Changes that are not in the bucket.
    var pendingCount: Int { allCount - intents.tally.settled }

    private var allCount: Int { intents.count + flights.count - intents.tally.flying }

    /// Requests under way; a DeleteObjects is one.
    var requestCount: Int {
        flights.count - batches.values.reduce(0, +) + batches.count
    }

    /// Every key with an intent or a flight that starts with `prefix`.
    func pendingKeys(under prefix: KeyPrefix) -> [ObjectAddress] {
        if prefix.bucket != nil { return below.keys(under: prefix) }
        return Array(intents.keys) + flights.keys.filter { intents[$0] == nil }
    }

    /// Intents that wait for a file to be closed: their own, one that they come after, or one below a directory
    /// that is to go.
    func heldBack() -> Set<ObjectAddress> {
        var open = intents.held
        var all: Set<ObjectAddress> = []
        while let next = open.popLast() {
            guard intents[next] != nil, all.insert(next).inserted else { continue }
            open.append(contentsOf: followers[next] ?? [])
            open.append(
                contentsOf: next.directories.compactMap(\.marker).filter {
                    $0 != next && intents[$0]?.record.want == .removeDirectory
                })
        }
        return all
    }

    /// Intents that are done and settling.
    var settlingKeys: Set<ObjectAddress> { intents.settling }

    // MARK: Changes

    /// A request for the key begins, has changed, or (nil) ended.
    mutating func setFlight(_ address: ObjectAddress, _ flight: Flight?) {
        let isNew = (flights[address] == nil) != (flight == nil)
        flights[address] = flight
        if isNew { intents.setFlying(address, flight != nil) }
    }

    mutating func markSent(_ address: ObjectAddress) { flights[address]?.isSent = true }

    /// Writes the desired state of a key; waiters and the oldest birth are kept.
    mutating func set(
        _ record: IntentRecord, now: Instant, delay: Duration, delayMax: Duration, held: Bool
    ) -> UInt64 {
        let old = intents[record.address]
        let wasPending = isPending(record.address)
        let revision = nextRevision
        nextRevision += 1
        var intent = Intent(
            record: record, revision: revision, due: now + delay, born: old?.born ?? now,
            held: held,
            lookedAt: now)
        intent.due = min(intent.due, intent.born + delayMax)
        intent.waiters = old?.waiters ?? []
        intent.inspects = old?.inspects ?? false
        if let old {
            // Who waits for what it was before does not wait for the delay of a new change.
            intent.isAwaited = old.isAwaited
            if old.isAwaited { intent.due = min(intent.due, old.due) }
            intent.conflicts = old.conflicts
            if old.record.base == record.base { intent.record.isConflict = old.record.isConflict }
            if old.record.want == record.want { intent.keepPace(of: old) }
            intent.record.born = min(old.record.born, record.born)
        }
        follow(record.address, old: old?.record.after, new: record.after)
        intents[record.address] = intent
        if let source = old?.record.source, record.want == .put || record.want == .makeDirectory {
            // The content goes up instead of being copied; what it was copied from goes after that.
            setAfter(source.address, record.address)
        }
        link(record.address)
        if !wasPending { count(record.address, by: 1) }
        if !held { enqueue(record.address) }
        return revision
    }

    /// Takes an intent back; what waited for it is returned to be told.
    mutating func remove(_ address: ObjectAddress) -> [SyncWaiter] {
        guard let intent = intents.removeValue(forKey: address) else { return [] }
        stalled.remove(address)
        follow(address, old: intent.record.after, new: nil)
        link(address)
        if flights[address] == nil { count(address, by: -1) }
        wake(after: address)
        return intent.waiters.map(\.waiter)
    }

    /// Puts an intent back as it was before an operation that is taken back; nil: there was none. What is
    /// under way cannot be taken back and stays. Returns who has nothing to wait for any more.
    mutating func restore(_ address: ObjectAddress, _ old: Intent?) -> [SyncWaiter] {
        guard flights[address] == nil else { return [] }
        guard var old else { return remove(address) }
        let now = intents[address]
        old.waiters = (now?.waiters ?? []).map { waiting in
            var waiting = waiting
            waiting.revision = min(waiting.revision, old.revision)
            return waiting
        }
        old.isAwaited = now?.isAwaited ?? false
        follow(address, old: now?.record.after, new: old.record.after)
        intents[address] = old
        link(address)
        if now == nil { count(address, by: 1) }
        if !old.held { enqueue(address) }
        return []
    }

    /// The server's tag of a key became known while an intent for it waits.
    mutating func setBase(_ address: ObjectAddress, _ base: ETag?) -> IntentRecord? {
        intents[address]?.record.base = base
        return intents[address]?.record
    }

    /// What stood in its way does not any more; the next request says what does.
    mutating func unblock(_ address: ObjectAddress) { intents[address]?.blocked = nil }

    /// The version that a pending copy is to copy turned out to be another one.
    mutating func setSource(_ address: ObjectAddress, _ version: BaseVersion) -> IntentRecord? {
        intents[address]?.record.source?.version = version
        return intents[address]?.record
    }

    mutating func setInode(_ address: ObjectAddress, _ inode: InodeNumber?) {
        intents[address]?.record.inode = inode
    }

    /// The server was just seen to have this version.
    mutating func noteConfirmed(_ address: ObjectAddress, tag: ETag, now: Instant) {
        guard intents[address]?.record.base == tag else { return }
        intents[address]?.confirmedAt = now
    }

    /// What was sent is there; what changed since is a change of its own.
    mutating func renew(_ address: ObjectAddress, born: Instant, held: Bool) {
        guard intents[address] != nil else { return }
        intents[address]?.born = born
        intents[address]?.held = held
        if !held { enqueue(address) }
    }

    mutating func setHeld(_ address: ObjectAddress, _ held: Bool) {
        guard intents[address] != nil else { return }
        intents[address]?.held = held
        if !held { enqueue(address) }
    }

    mutating func wait(_ address: ObjectAddress, _ waiter: SyncWaiter, isPatient: Bool) {
        guard let revision = intents[address]?.revision else {
            preconditionFailure("waiting for a key without an intent")
        }
        intents[address]?.waiters.append(
            Waiting(revision: revision, waiter: waiter, isPatient: isPatient))
        if !isPatient { setAwaited(address, true) }
    }

    /// Moves waiters to another key: the file was renamed and its upload goes there.
    mutating func takeWaiters(_ address: ObjectAddress) -> [Waiting] {
        let waiters = intents[address]?.waiters ?? []
        intents[address]?.waiters = []
        setAwaited(address, false)
        return waiters
    }

    mutating func addWaiters(_ address: ObjectAddress, _ waiters: [Waiting]) {
        for waiting in waiters { wait(address, waiting.waiter, isPatient: waiting.isPatient) }
    }

    /// Those who do not wait for a failure to pass.
    mutating func takeImpatient(_ address: ObjectAddress) -> [SyncWaiter] {
        let waiters = intents[address]?.waiters.filter { !$0.isPatient } ?? []
        intents[address]?.waiters.removeAll { !$0.isPatient }
        setAwaited(address, false)
        return waiters.map(\.waiter)
    }
}
