import RGWBase
import RGWObject
import RGWSpool

/// When an intent is tried again: pauses, and who may do without one.
extension IntentTable {
    /// Starts as soon as it may; what is overdue keeps its place. What only settles has its time.
    mutating func expedite(_ address: ObjectAddress, now: Instant) {
        guard let intent = intents[address], intent.settling == nil else { return }
        intents[address]?.held = false
        intents[address]?.due = min(intent.due, now)
        enqueue(address)
    }

    mutating func setAwaited(_ address: ObjectAddress, _ isAwaited: Bool) {
        guard let intent = intents[address], intent.isAwaited != isAwaited else { return }
        intents[address]?.isAwaited = isAwaited
        if !intent.held, !stalled.contains(address) { enqueue(address) }
    }

    /// The same for everything that stands in its way: what it follows, what is copied from it, and what is below
    /// a directory that is to go. Whoever waits for it does not wait for their pauses.
    mutating func expediteWay(_ address: ObjectAddress, now: Instant) {
        expedite(address, now: now)
        expediteWay([address], now: now, below: true, isAwaited: true)
    }

    /// `below`: also what is below directories that are to go. `isAwaited`: a program waits for it.
    mutating func expediteWay(
        _ addresses: [ObjectAddress], now: Instant, below: Bool, isAwaited: Bool
    ) {
        var open = addresses
        var seen: Set<ObjectAddress> = []
        while let next = open.popLast() {
            guard seen.insert(next).inserted, let intent = intents[next] else { continue }
            if !intent.held { expedite(next, now: now) }
            if isAwaited { setAwaited(next, true) }
            open.append(contentsOf: copies[next] ?? [])
            if let after = intent.record.after { open.append(after) }
            if below, intent.record.want == .removeDirectory {
                open.append(contentsOf: pendingKeys(under: KeyPrefix(marker: next)))
            }
        }
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

    mutating func noteFailure(_ address: ObjectAddress, _ error: ObjectStoreError) {
        intents[address]?.lastError = error
    }

    /// What settles is looked at without waiting for its time.
    mutating func settleNow(_ address: ObjectAddress, now: Instant) {
        guard intents[address]?.settling != nil else { return }
        intents[address]?.due = now
        enqueue(address)
        hasUrgent = true
    }

    /// Waits for the user's word, or does not any more.
    mutating func setConflict(_ address: ObjectAddress, _ isConflict: Bool) -> IntentRecord? {
        guard let record = intents[address]?.record, record.isConflict != isConflict else {
            return nil
        }
        intents[address]?.record.isConflict = isConflict
        return intents[address]?.record
    }

    /// The intent may be repeated at once. Not a second time before something has succeeded.
    mutating func mayRepeat(_ address: ObjectAddress) -> Bool {
        guard intents[address]?.isRepeated == false else { return false }
        intents[address]?.isRepeated = true
        return true
    }

    /// Its file goes beside another client's version, once more.
    mutating func noteConflict(_ address: ObjectAddress, after count: Int) {
        intents[address]?.conflicts = count + 1
    }
}

extension IntentTable.Intent {
    /// A change of what is to be sent does not make a server answer that has refused it: the pause stays.
    mutating func keepPace(of old: Self) {
        tries = old.tries
        failedRequests = old.failedRequests
        isRepeated = old.isRepeated
        lastError = old.lastError
        if tries > 1 { due = max(due, old.due) }
    }
}
