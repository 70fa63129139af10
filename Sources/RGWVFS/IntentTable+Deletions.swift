import RGWBase
import RGWObject
import RGWSpool

/// Deletions that go together: DeleteObjects takes a thousand keys.
extension IntentTable {
    /// S3's limit for one DeleteObjects.
    static let batchMax = 1000
    /// Deletions wait for more of them until none has come for this long ...
    static let gatherQuiet = Duration.milliseconds(100)
    /// ... but not longer than this.
    static let gatherMax = Duration.seconds(3)
    /// Of so many deletions each is asked whether its version was seen just now.
    private static let confirmedMax = 16
    /// How long a version that the server was seen to have need not be asked for again: no longer than
    /// asking takes.
    static let confirmedFor = Duration.milliseconds(50)

    /// The intent may go with others. One whose object must be looked at first goes alone.
    func gathers(_ intent: Intent) -> Bool {
        guard gathersDeletions, !intent.inspects, !intent.isAlone, intent.settling == nil else {
            return false
        }
        switch intent.record.want {
        case .delete: return intent.record.base != nil
        case .removeDirectory: return true
        case .put, .metadata, .copy, .makeDirectory: return false
        }
    }

    func isConfirmed(_ intent: Intent, now: Instant) -> Bool {
        intent.confirmedAt.map { now < $0 + Self.confirmedFor } ?? false
    }

    /// Deletions to send together now; none, with the time to ask again (nil: never).
    mutating func takeDeletions(now: Instant) -> (flights: [Flight], next: Instant?) {
        guard let first = ready.first, let last = ready.last else { return ([], nil) }
        let due = min(last + Self.gatherQuiet, first + Self.gatherMax)
        // While copies are under way each brings a deletion with it.
        let isAwaited = sources.isEmpty && intents.tally.awaitedDeletions > 0
        // One file was renamed: its copy has just shown what is there.
        let isConfirmed =
            sources.isEmpty && ready.count <= Self.confirmedMax
            && ready.addresses.allSatisfy {
                intents[$0].map { self.isConfirmed($0, now: now) } ?? true
            }
        guard ready.count >= Self.batchMax || due <= now || isAwaited || isConfirmed else {
            return ([], due)
        }
        let flights = startTogether(now: now)
        return (flights, ready.isEmpty ? nil : now)
    }

    /// What comes first goes, and what else is in its bucket.
    private mutating func startTogether(now: Instant) -> [Flight] {
        var started: [Flight] = []
        let batch = nextBatch
        let progress = RequestProgress(started: now)
        var others: [ReadyDeletions.Entry] = []
        while started.count < Self.batchMax, others.count < Self.batchMax,
            let entry = ready.popFirst()
        {
            let address = entry.address
            if let bucket = started.first?.address.bucket, bucket != address.bucket {
                others.append(entry)
                continue
            }
            intents.setGathering(address, false)
            // Since it was ready, it may have become another intent, or have to wait again.
            guard let intent = intents[address], flights[address] == nil, !intent.held,
                gathers(intent), intent.due <= now
            else { continue }
            guard mayStart(intent.record) else {
                stalled.insert(address)
                continue
            }
            let flight = Flight(
                address: address, want: intent.record.want, inode: nil, base: intent.record.base,
                source: nil, revision: intent.revision, generation: Generation(0),
                tries: intent.tries, inspects: false, settling: nil,
                isConfirmed: isConfirmed(intent, now: now), batch: batch,
                progress: progress)
            setFlight(address, flight)
            started.append(flight)
        }
        ready.putBack(others)
        started.sort { $0.address.key < $1.address.key }
        if started.count == 1 {
            started[0].batch = nil
            update(started[0])
        } else if started.count > 1 {
            nextBatch += 1
            batches[batch] = started.count
        }
        return started
    }

    /// A flight of a batch ended.
    mutating func endPart(of batch: UInt64?) {
        guard let batch, let left = batches[batch] else { return }
        batches[batch] = left > 1 ? left - 1 : nil
    }

    /// The object is not what a deletion takes it for: it is looked at alone, before anything is sent.
    mutating func setAlone(_ address: ObjectAddress, inspects: Bool) {
        intents[address]?.isAlone = true
        if inspects { intents[address]?.inspects = true }
    }

    /// What the server was seen to have is not known any more.
    mutating func noteUnconfirmed(_ address: ObjectAddress) { intents[address]?.confirmedAt = nil }

    // MARK: Settling

    /// What the intent wanted is done, but `unsettled` requests may yet take effect.
    mutating func settle(_ address: ObjectAddress, tag: ETag?, until: Instant) {
        guard intents[address] != nil else { return }
        intents[address]?.settling = Settling(tag: tag)
        intents[address]?.due = until
        enqueue(address)
        wake(after: address)
        for source in sources[address] ?? [] where stalled.contains(source) { enqueue(source) }
    }

    /// Until when something below a directory settles; nil: nothing does.
    func settlesBelow(_ marker: ObjectAddress) -> Instant? {
        let prefix = KeyPrefix(marker: marker)
        return settlingKeys.filter { $0 != marker && prefix.contains($0) }
            .compactMap { intents[$0]?.due }.max()
    }

    /// A late request undid it: it is to be done again.
    mutating func unsettle(_ address: ObjectAddress, now: Instant) {
        intents[address]?.settling = nil
        intents[address]?.due = now
        intents[address]?.isAlone = true
        enqueue(address)
    }
}
