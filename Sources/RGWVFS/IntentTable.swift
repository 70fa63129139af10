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
        /// Failed for good; tried again rarely, until the cause is mended or the user gives it up.
        var blocked: ObjectStoreError?
        /// A request whose outcome nobody knows was sent: the key may exist although `record.base` is nil.
        var isUncertain = false
        /// Tags the object has if such a request took effect: finding one is no conflict.
        var perhapsStored: [ETag] = []
        var waiters: [Waiting] = []
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
        var revision: UInt64
        var generation: Generation
        var tries: Int
    }

    private struct Due: Comparable, Sendable {
        var due: Instant
        var order: UInt64
        var address: ObjectAddress
        static func < (a: Self, b: Self) -> Bool { (a.due, a.order) < (b.due, b.order) }
        static func == (a: Self, b: Self) -> Bool { a.due == b.due && a.order == b.order }
    }

    private(set) var intents: [ObjectAddress: Intent] = [:]
    private(set) var flights: [ObjectAddress: Flight] = [:]
    /// Keys and key prefixes that a rename is working on: nothing starts there.
    private var reservedKeys: [ObjectAddress: Int] = [:]
    private var reservedPrefixes: [KeyPrefix] = []
    private var queue = Heap<Due>()
    /// Popped but not startable; looked at again when something settles.
    private var stalled: Set<ObjectAddress> = []
    /// Those of them that wait for another key, by that key.
    private var stalledAfter: [ObjectAddress: Set<ObjectAddress>] = [:]
    /// Intents and flights below each directory, whole buckets included.
    private var below: [KeyPrefix: Int] = [:]
    private var nextRevision: UInt64 = 1

    // MARK: Questions

    func isPending(_ address: ObjectAddress) -> Bool {
        intents[address] != nil || flights[address] != nil
    }

    /// Intents and flights under a directory, its own marker not counted.
    func pendingBelow(_ prefix: KeyPrefix, marker: ObjectAddress?) -> Int {
        let all = prefix.bucket == nil ? pendingCount : below[prefix, default: 0]
        guard let marker, isPending(marker), prefix.contains(marker) else { return all }
        return all - 1
    }

    var pendingCount: Int {
        intents.count + flights.keys.count { intents[$0] == nil }
    }

    /// Every key with an intent or a flight that starts with `prefix`.
    func pendingKeys(under prefix: KeyPrefix) -> [ObjectAddress] {
        var keys = intents.keys.filter(prefix.contains)
        keys.append(
            contentsOf: flights.keys.filter { intents[$0] == nil && prefix.contains($0) })
        return keys
    }

    // MARK: Changes

    /// Writes the desired state of a key; waiters and the oldest birth are kept.
    mutating func set(
        _ record: IntentRecord, now: Instant, delay: Duration, delayMax: Duration, held: Bool
    ) -> UInt64 {
        let old = intents[record.address]
        let wasPending = isPending(record.address)
        let revision = nextRevision
        nextRevision += 1
        var intent = Intent(
            record: record, revision: revision, due: now + delay, born: old?.born ?? now, held: held
        )
        intent.due = min(intent.due, intent.born + delayMax)
        intent.waiters = old?.waiters ?? []
        intent.isUncertain = old?.isUncertain ?? false
        intent.perhapsStored = old?.perhapsStored ?? []
        if let old { intent.record.born = min(old.record.born, record.born) }
        intents[record.address] = intent
        if !wasPending { count(record.address, by: 1) }
        if !held { enqueue(record.address) }
        return revision
    }

    /// Takes an intent back; what waited for it is returned to be told.
    mutating func remove(_ address: ObjectAddress) -> [SyncWaiter] {
        guard let intent = intents.removeValue(forKey: address) else { return [] }
        stalled.remove(address)
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
        intents[address] = old
        if now == nil { count(address, by: 1) }
        if !old.held { enqueue(address) }
        return []
    }

    /// A request for the key may or may not have taken effect. `tag`: what it leaves if it did.
    mutating func noteUncertain(_ address: ObjectAddress, tag: ETag?) {
        intents[address]?.isUncertain = true
        if let tag, intents[address]?.perhapsStored.contains(tag) == false {
            intents[address]?.perhapsStored.append(tag)
        }
    }

    /// The server's tag of a key became known while an intent for it waits.
    mutating func setBase(_ address: ObjectAddress, _ base: ETag?) -> IntentRecord? {
        intents[address]?.record.base = base
        return intents[address]?.record
    }

    mutating func setHeld(_ address: ObjectAddress, _ held: Bool) {
        guard intents[address] != nil else { return }
        intents[address]?.held = held
        if !held { enqueue(address) }
    }

    /// Starts as soon as it may.
    mutating func expedite(_ address: ObjectAddress, now: Instant) {
        guard intents[address] != nil else { return }
        intents[address]?.held = false
        intents[address]?.due = now
        enqueue(address)
    }

    mutating func wait(_ address: ObjectAddress, _ waiter: SyncWaiter, isPatient: Bool) {
        guard let revision = intents[address]?.revision else {
            preconditionFailure("waiting for a key without an intent")
        }
        intents[address]?.waiters.append(
            Waiting(revision: revision, waiter: waiter, isPatient: isPatient))
    }

    /// Tries again at `due`; `blocked` says that it failed for good and why.
    mutating func backOff(
        _ address: ObjectAddress, until due: Instant, blocked: ObjectStoreError? = nil
    ) {
        guard intents[address] != nil else { return }
        intents[address]?.due = due
        intents[address]?.tries += 1
        intents[address]?.blocked = blocked
        enqueue(address)
    }

    /// Moves waiters to another key: the file was renamed and its upload goes there.
    mutating func takeWaiters(_ address: ObjectAddress) -> [Waiting] {
        let waiters = intents[address]?.waiters ?? []
        intents[address]?.waiters = []
        return waiters
    }

    mutating func addWaiters(_ address: ObjectAddress, _ waiters: [Waiting]) {
        for waiting in waiters { wait(address, waiting.waiter, isPatient: waiting.isPatient) }
    }

    /// Those who do not wait for a failure to pass.
    mutating func takeImpatient(_ address: ObjectAddress) -> [SyncWaiter] {
        let waiters = intents[address]?.waiters.filter { !$0.isPatient } ?? []
        intents[address]?.waiters.removeAll { !$0.isPatient }
        return waiters.map(\.waiter)
    }

    // MARK: Flights

    /// The next flight to start, if any is due; nil with the time to ask again (nil: never).
    mutating func take(now: Instant) -> (flight: Flight?, next: Instant?) {
        while let head = queue.min {
            // Entries of the past: whatever makes the key startable again enqueues it again.
            guard let intent = intents[head.address], !intent.held,
                flights[head.address] == nil, head.due >= intent.due
            else {
                queue.removeMin()
                continue
            }
            guard head.due <= now else { return (nil, head.due) }
            queue.removeMin()
            guard mayStart(intent.record) else {
                stalled.insert(head.address)
                if let after = intent.record.after {
                    stalledAfter[after, default: []].insert(head.address)
                }
                continue
            }
            let flight = Flight(
                address: head.address, want: intent.record.want, inode: intent.record.inode,
                base: intent.record.base, revision: intent.revision, generation: Generation(0),
                tries: intent.tries)
            flights[head.address] = flight
            return (flight, nil)
        }
        return (nil, nil)
    }

    /// Notes what a flight that was just taken sends.
    mutating func update(_ flight: Flight) { flights[flight.address] = flight }

    /// The request ended. Returns the waiters it satisfies when it succeeded.
    mutating func finish(_ flight: Flight, succeeded: Bool) -> [SyncWaiter] {
        flights[flight.address] = nil
        var satisfied: [SyncWaiter] = []
        if succeeded, var intent = intents[flight.address] {
            satisfied = intent.waiters.filter { $0.revision <= flight.revision }.map(\.waiter)
            intent.waiters.removeAll { $0.revision <= flight.revision }
            intent.tries = 0
            intent.isUncertain = false
            intent.perhapsStored = []
            intents[flight.address] = intent
        }
        if intents[flight.address] == nil {
            count(flight.address, by: -1)
        } else {
            enqueue(flight.address)
        }
        wake(after: flight.address)
        return satisfied
    }

    // MARK: Reservations

    /// A rename works on this key or on a directory above it.
    func isReserved(_ address: ObjectAddress) -> Bool {
        reservedKeys[address] != nil
            || reservedPrefixes.contains { $0.contains(address) }
    }

    /// A rename works on a key below this directory, or on the directory.
    func isReserved(prefix: KeyPrefix) -> Bool {
        reservedPrefixes.contains { prefix.contains($0) }
    }

    mutating func reserve(_ address: ObjectAddress) { reservedKeys[address, default: 0] += 1 }

    mutating func reserve(prefix: KeyPrefix) { reservedPrefixes.append(prefix) }

    mutating func release(_ address: ObjectAddress) {
        if let count = reservedKeys[address] { reservedKeys[address] = count > 1 ? count - 1 : nil }
        if stalled.contains(address) { enqueue(address) }
    }

    mutating func release(prefix: KeyPrefix) {
        if let index = reservedPrefixes.firstIndex(of: prefix) {
            reservedPrefixes.remove(at: index)
        }
        for address in stalled where prefix.contains(address) { enqueue(address) }
    }

    // MARK: Private

    private func mayStart(_ record: IntentRecord) -> Bool {
        if reservedKeys[record.address] != nil { return false }
        if reservedPrefixes.contains(where: { $0.contains(record.address) }) { return false }
        if let after = record.after, after != record.address, isPending(after) { return false }
        if record.want == .removeDirectory,
            pendingBelow(KeyPrefix(marker: record.address), marker: record.address) > 0
        {
            return false
        }
        return true
    }

    private mutating func enqueue(_ address: ObjectAddress) {
        guard let intent = intents[address] else { return }
        stalled.remove(address)
        queue.insert(Due(due: intent.due, order: intent.revision, address: address))
    }

    /// Something at `address` ended: what waited for it may start now.
    private mutating func wake(after address: ObjectAddress) {
        guard !stalled.isEmpty else { return }
        if stalled.contains(address) { enqueue(address) }
        for candidate in stalledAfter.removeValue(forKey: address) ?? []
        where stalled.contains(candidate) {
            enqueue(candidate)
        }
        // Directories above, when nothing else is left below them. Looked up by name: with many waiting
        // directories, asking each of them at every deletion would take quadratic time.
        let bytes = address.key.bytes
        for (index, byte) in bytes.enumerated() where byte == 0x2F {
            let prefix = KeyPrefix(bucket: address.bucket, bytes: Array(bytes[...index]))
            guard below[prefix, default: 0] <= 1, let key = try? ObjectKey(prefix.bytes) else {
                continue
            }
            let marker = ObjectAddress(bucket: address.bucket, key: key)
            if stalled.contains(marker) { enqueue(marker) }
        }
    }

    private mutating func count(_ address: ObjectAddress, by change: Int) {
        let bytes = address.key.bytes
        count(KeyPrefix(bucket: address.bucket, bytes: []), by: change)
        for (index, byte) in bytes.enumerated() where byte == 0x2F {
            count(KeyPrefix(bucket: address.bucket, bytes: Array(bytes[...index])), by: change)
        }
    }

    private mutating func count(_ prefix: KeyPrefix, by change: Int) {
        let value = below[prefix, default: 0] + change
        below[prefix] = value == 0 ? nil : value
    }
}
