import HeapModule
import RGWBase
import RGWObject
import RGWSpool

/// Requests: the next one to start, how one ended, and what is not known of earlier ones.
extension IntentTable {
    /// The next flight to start, if any is due; nil with the time to ask again (nil: never). Those that
    /// somebody waits for go first, in the order of their dues, so that none of them is overtaken without an end;
    /// now and then one of the others, so that these go on.
    mutating func take(now: Instant) -> (flight: Flight?, next: Instant?) {
        let areOthersNext = awaitedInARow >= Self.awaitedInARowMax
        var next: Instant?
        for isAwaited in [!areOthersNext, areOthersNext] {
            let (flight, due) = take(isAwaited: isAwaited, now: now)
            if let flight {
                awaitedInARow = isAwaited ? awaitedInARow + 1 : 0
                return (flight, nil)
            }
            next = [next, due].compactMap(\.self).min()
        }
        return (nil, next)
    }

    /// How many that are waited for may go before one of the others, when both are due.
    static let awaitedInARowMax = 3

    private mutating func take(
        isAwaited: Bool, now: Instant
    ) -> (flight: Flight?, next: Instant?) {
        while let head = isAwaited ? awaited.min : queue.min {
            // Entries of the past: whatever makes the key startable again enqueues it again.
            guard let intent = intents[head.address], intent.isAwaited == isAwaited, !intent.held,
                flights[head.address] == nil, head.due >= intent.due
            else {
                removeFirst(isAwaited)
                continue
            }
            guard head.due <= now else { return (nil, head.due) }
            removeFirst(isAwaited)
            guard mayStart(intent.record) else {
                stalled.insert(head.address)
                continue
            }
            if gathers(intent) {
                ready.append(head.address, now)
                intents.setGathering(head.address, true)
                continue
            }
            return (start(head.address, intent, now: now), nil)
        }
        return (nil, nil)
    }

    private mutating func removeFirst(_ isAwaited: Bool) {
        if isAwaited { awaited.removeMin() } else { queue.removeMin() }
    }

    private mutating func start(
        _ address: ObjectAddress, _ intent: Intent, now: Instant
    ) -> Flight {
        // COPY has no condition on its target: what was known of it long ago is looked at again.
        let isOld = intent.record.want == .copy && intent.lookedAt + Self.targetTrust < now
        let flight = Flight(
            address: address, want: intent.record.want, inode: intent.record.inode,
            base: intent.record.base, source: intent.record.source, revision: intent.revision,
            generation: Generation(0), tries: intent.tries,
            inspects: intent.inspects || isOld || isBlindDeletion(intent.record),
            settling: intent.settling, isConfirmed: isConfirmed(intent, now: now),
            progress: RequestProgress(started: now))
        setFlight(address, flight)
        link(address)
        return flight
    }

    /// How long nobody else is taken to have written to the target of a rename.
    static let targetTrust = Duration.seconds(60)

    /// A deletion whose object's tag is not known: what is there is looked at first.
    private func isBlindDeletion(_ record: IntentRecord) -> Bool {
        record.want == .delete && record.base == nil
    }

    /// Notes what a flight that was just taken sends.
    mutating func update(_ flight: Flight) { setFlight(flight.address, flight) }

    /// The request ended. Returns the waiters it satisfies when it succeeded.
    mutating func finish(_ flight: Flight, succeeded: Bool) -> [SyncWaiter] {
        if flights[flight.address]?.isSent == true { sentCount -= 1 }
        setFlight(flight.address, nil)
        endPart(of: flight.batch)
        var satisfied: [SyncWaiter] = []
        if !succeeded {
            intents[flight.address]?.failedRequests += flight.progress.failures
        }
        if succeeded, var intent = intents[flight.address] {
            satisfied = intent.waiters.filter { $0.revision <= flight.revision }.map(\.waiter)
            intent.waiters.removeAll { $0.revision <= flight.revision }
            intent.tries = 0
            intent.failedRequests = 0
            intent.isRepeated = false
            intent.record.isConflict = false
            intent.lastError = nil
            intent.inspects = false
            intent.isAwaited = intent.waiters.contains { !$0.isPatient }
            intents[flight.address] = intent
        }
        link(flight.address)
        if intents[flight.address] == nil {
            count(flight.address, by: -1)
        } else {
            enqueue(flight.address)
        }
        wake(after: flight.address)
        return satisfied
    }

    // MARK: Unknown outcomes

    /// The row that a request is noted with before it is sent: what it may do, and what earlier ones may
    /// still do. `tag` is what the key has if the request takes effect; nil: no object.
    func row(
        _ flight: Flight, tag: ETag?, isUnconditional: Bool, started: WallTime
    ) -> FlightRecord {
        let earlier = unsettled[flight.address]?.record
        var record = FlightRecord(
            address: flight.address, want: flight.want, base: flight.base,
            tags: earlier?.tags ?? [], sends: (earlier?.sends ?? 0) + 1,
            isUnconditional: isUnconditional || earlier?.isUnconditional ?? false,
            started: started, upload: uploads[flight.address]?.record,
            mayDelete: flight.want.isDeletion || earlier?.mayDelete ?? false)
        if let tag, !record.tags.contains(tag) { record.tags.append(tag) }
        return record
    }

    /// Nobody can tell whether the request that `record` notes took effect.
    mutating func noteUncertain(_ record: FlightRecord, until: Instant) {
        let before = unsettled[record.address]
        unsettled[record.address] = Unsettled(
            record: record, until: max(until, before?.until ?? until))
        intents[record.address]?.inspects = true
    }

    /// The object was seen as one of those requests leaves it. Of several, others may still take effect.
    /// Another version, or one that was known to be there already, tells nothing of them.
    mutating func noteSeen(_ flight: Flight, tag: ETag) {
        let address = flight.address
        guard let record = unsettled[address]?.record, record.tags.contains(tag),
            flight.base != tag
        else { return }
        let sends = record.sends
        if sends > 1 {
            unsettled[address]?.record.sends = sends - 1
        } else {
            unsettled[address] = nil
        }
    }

    /// What was sent has older metadata than the intent: it is not done with it.
    mutating func noteMetadataChanged(_ address: ObjectAddress) {
        guard intents[address] != nil else { return }
        intents[address]?.revision = nextRevision
        nextRevision += 1
    }

    /// The object has to be looked at before anything is sent.
    mutating func noteUnseen(_ address: ObjectAddress) { intents[address]?.inspects = true }

    /// The object was looked at: from now on requests may be sent.
    mutating func noteInspected(_ address: ObjectAddress, now: Instant) {
        intents[address]?.inspects = false
        intents[address]?.lookedAt = now
    }

    /// Forgets requests that cannot take effect any more. Returns their keys, and when to ask again.
    mutating func expire(now: Instant) -> (keys: [ObjectAddress], next: Instant?) {
        if unsettled.isEmpty { return ([], nil) }
        if now < expiresAt { return ([], expiresAt) }
        expiresAt = now + Self.expiryPause
        var keys: [ObjectAddress] = []
        var next: Instant?
        // An intent still needs the tags to know its own versions by.
        for (address, known) in unsettled where !isPending(address) {
            if known.until <= now {
                keys.append(address)
            } else {
                next = min(next ?? known.until, known.until)
            }
        }
        for address in keys { unsettled[address] = nil }
        return (keys, next.map { max($0, expiresAt) })
    }

    private static let expiryPause = Duration.milliseconds(500)
}
