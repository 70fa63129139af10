import RGWBase
import RGWObject
import RGWSpool

/// Writes and the room they take.
extension VolumeState {
    /// A write that was let in ends with `endWrite`.
    mutating func beginWrite(
        _ request: WriteRequest, _ reading: SpoolSpace.Reading
    ) -> WriteRequest.Start {
        if isStopping { return .failed(.shuttingDown) }
        guard files[request.handle] != nil, let known = inodes[request.inode] else {
            return .failed(.badHandle)
        }
        if isReadOnly { return .failed(.readOnly) }
        if isTaken(request.inode) { return .failed(.stale) }
        if isQuotaFull(reading.now) { return .failed(.quotaExceeded) }
        let bytes = UInt64(request.count)
        if space.shouldRelieve(bytes, reading) { relieve(reading.now) }
        guard let file = known.dataFile else {
            let length = known.base?.size ?? 0
            // Never fits: said before it is fetched.
            if length > space.fileMax { return .failed(.spoolFull) }
            if isLarge(length) {
                // No bytes are fetched that would show whether it is still the same.
                if isAppend(request), request.rebases == 0 { return .needs(.rebase(request.inode)) }
                return .needs(.part(request.inode))
            }
            switch room(for: length, reading) {
            case .admitted:
                space.settle(length)
                return .needs(.hydrate(request.inode, length: length))
            case .wait: return .parked
            case .refused: return .failed(.spoolFull)
            }
        }
        if known.isFrozen { return .needs(.thawed(request.inode)) }
        guard let offset = place(request) else { return .failed(.tooLarge) }
        let range = offset..<offset + bytes
        if known.partial?.filling.overlaps(range) == true {
            return .needs(.quiet(request.inode))
        }
        switch room(for: bytes, reading) {
        case .admitted: break
        case .wait: return .parked
        case .refused: return .failed(.spoolFull)
        }
        inodes[request.inode]?.writesUnderWay += 1
        let claimed = inodes[request.inode]?.partial?.claim(range) ?? []
        return .ready(file, at: offset, claimed: claimed)
    }

    mutating func room(for bytes: UInt64, _ reading: SpoolSpace.Reading) -> SpoolSpace.Verdict {
        if space.admit(bytes, reading) { return .admitted }
        return shortage(reading)
    }

    /// There is no room: is it worth waiting?
    mutating func shortage(
        _ reading: SpoolSpace.Reading, of resource: SpoolSpace.Resource = .bytes
    ) -> SpoolSpace.Verdict {
        let flights = intents.flights.values.lazy.filter { $0.want == .put }
        let frees =
            flights.first != nil || !discarded.isEmpty || !discardedSealed.isEmpty || removing > 0
            || journal.isCommitting || intents.intents.tally.sendable > 0
        return space.shortage(
            reading, of: resource, canFree: frees, isMoving: flights.contains { $0.tries == 0 })
    }

    /// Room is short: everything that waits for its delay is due now, and copies of what the bucket has go.
    mutating func relieve(_ now: Instant) {
        var left = intents.intents.count
        while left > 0, let address = intents.intents.lastDelayed(after: now) {
            left -= 1
            intents.expedite(address, now: now)
        }
        for number in inodes.indexes.copies { evictCleanCopy(number) }
    }

    /// A file that is still open but whose bytes the bucket has: they are read from there from now on.
    private mutating func evictCleanCopy(_ number: InodeNumber) {
        guard let inode = inodes[number], let data = inode.dataID, inode.hasCopy, inode.opens > 0,
            let address = address(number), !intents.isPending(address)
        else { return }
        inodes[number]?.content = .remote
        journal.append(.removeNode(number))
        discard(data)
    }

    /// Whoever waits for this goes on after unlocking.
    mutating func endNeed(_ need: Need, _ error: FileSystemError? = nil) {
        for done in fetches.removeValue(forKey: need) ?? [] { actions.append { done(error) } }
    }

    /// The write ended, well or not. True: who waits for the file to be quiet may go on.
    mutating func endWrite(
        _ request: WriteRequest, _ claimed: [Range<UInt64>], written: Bool
    ) -> Bool {
        space.settle(UInt64(request.count))
        guard let known = inodes[request.inode] else { return false }
        inodes[request.inode]?.writesUnderWay = known.writesUnderWay - 1
        if known.isFrozen, known.writesUnderWay == 1 { endNeed(.still(request.inode)) }
        if !written { inodes[request.inode]?.partial?.settle(claimed, written: false) }
        return !claimed.isEmpty
    }

    /// What a write has to wait for: rows that it changed, or that an earlier one did which is not
    /// answered yet. `before`: what was queued when it began.
    mutating func writeTicket(_ inode: InodeNumber, _ before: UInt64) -> UInt64? {
        if journal.enqueued != before { inodes[inode]?.writeTicket = journal.enqueued }
        guard let ticket = inodes.look(inode, { $0.writeTicket }), ticket > journal.committed else {
            return nil
        }
        return ticket
    }

    /// The journal did not keep a write: the file ends where it ended before, if nobody wrote since. True: its bytes
    /// are to be cut back.
    mutating func unwrite(_ request: WriteRequest, size: UInt64) -> Bool {
        guard let known = inodes[request.inode], known.attributes.size == request.end,
            size < request.end, known.writesUnderWay == 0
        else { return false }
        inodes[request.inode]?.attributes.size = size
        return true
    }
}
