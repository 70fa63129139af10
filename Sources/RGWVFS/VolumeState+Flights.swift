import RGWBase
import RGWObject
import RGWSpool

/// The journal's rows of requests under way and of those whose outcome never became known.
extension VolumeState {
    /// A request is about to be sent.
    mutating func noteFlight(_ flight: IntentTable.Flight, tag: ETag?, time: WallTime) {
        let isUnconditional = flight.isUnconditional || intents.uploads[flight.address] != nil
        journal.append(
            .flight(intents.row(flight, tag: tag, isUnconditional: isUnconditional, started: time)))
    }

    /// Nobody can tell whether the request took effect; it may yet do so.
    mutating func noteUncertain(
        _ flight: IntentTable.Flight, tag: ETag?, now: Instant, time: WallTime
    ) {
        // Whatever conditions it has, completing an upload knows none (RGW 16, measured).
        let isUnconditional = flight.isUnconditional || intents.uploads[flight.address] != nil
        intents.noteUncertain(
            intents.row(flight, tag: tag, isUnconditional: isUnconditional, started: time),
            until: now + configuration.settleTime)
    }

    /// The request has ended, and what it did is known. Rows of earlier ones stay.
    mutating func closeFlight(_ address: ObjectAddress) {
        var record = intents.unsettled[address]?.record
        if let upload = intents.uploads[address] {
            record =
                record
                ?? FlightRecord(
                    address: address, want: .put, base: nil, tags: [upload.tag].compactMap(\.self),
                    isUnconditional: true, started: WallTime(seconds: 0))
            record?.upload = upload.record
        }
        journal.append(record.map { .flight($0) } ?? .removeFlight(address))
    }

    /// What the flight's intent wanted is done. True: requests of unknown outcome may yet undo it, so that
    /// the key is looked at once more when they cannot.
    mutating func settles(_ flight: IntentTable.Flight, tag: ETag?, now: Instant) -> Bool {
        // A file below it that a late request brings back shows the directory again.
        if flight.want == .removeDirectory, let until = intents.settlesBelow(flight.address) {
            intents.settle(flight.address, tag: nil, until: until)
            saveReleased()
            return true
        }
        guard let known = intents.unsettled[flight.address], known.until > now else { return false }
        switch flight.want {
        case .delete, .removeDirectory:
            // A late deletion of nothing does no harm.
            if known.record.tags.isEmpty { return false }
        case .put, .metadata, .makeDirectory:
            // What must find its own base or nothing finds this version instead, and is refused.
            if !known.record.isUnconditional { return false }
        case .copy:
            // The same copy once more changes nothing.
            let isSame =
                known.record.want == .copy && !known.record.mayDelete
                && known.record.tags == [tag].compactMap(\.self)
            if !known.record.isUnconditional || isSame && flight.inode == nil { return false }
        }
        intents.settle(flight.address, tag: tag, until: known.until)
        if let record = intents.setBase(flight.address, tag) { journal.append(.intent(record)) }
        saveReleased()
        return true
    }

    /// Requests of unknown outcome cannot take effect any more, and what was done stayed done.
    mutating func conclude(_ flight: IntentTable.Flight, now: Instant) {
        intents.unsettled[flight.address] = nil
        closeFlight(flight.address)
        _ = intents.finish(flight, succeeded: true)
        guard intents.intents[flight.address]?.revision == flight.revision else { return }
        let inode = flight.inode ?? (flight.want == .copy ? file(at: flight.address) : nil)
        dropIntent(flight.address)
        if let inode {
            becameClean(inode)
            evict(inode)
        }
        distrustParent(of: flight.address)
    }

    /// A late request undid what was done.
    mutating func redo(_ flight: IntentTable.Flight, base: ETag?, now: Instant) {
        closeFlight(flight.address)
        _ = intents.finish(flight, succeeded: false)
        guard intents.intents[flight.address]?.revision == flight.revision else { return }
        if let record = intents.setBase(flight.address, base) { journal.append(.intent(record)) }
        intents.unsettle(flight.address, now: now)
    }

    /// Another client replaced the version that the bucket had of a file. False: the file is open, or something
    /// newer is to be done.
    mutating func yieldConfirmed(
        _ flight: IntentTable.Flight, _ moment: FileSystem.Moment
    ) -> Bool {
        guard intents.intents[flight.address]?.revision == flight.revision,
            !isOpen(flight.address)
        else { return false }
        retry(flight, at: moment.now)
        noteRefusal(
            flight.address, .metadata,
            "another client wrote a newer version, with its own attributes", moment.time)
        if let data = yieldToRemote(flight.address) { discard(data) }
        return true
    }

    /// The bucket has what is here, which is only looked at once more: another client's version counts by now.
    func isSettled(_ inode: InodeNumber) -> Bool {
        guard let address = address(inode), intents.settlingKeys.contains(address),
            intents.flights[address] == nil, let want = intents.intents[address]?.record.want,
            want == .put || want == .metadata
        else { return false }
        return inodes.look(inode, { $0.opens == 0 && !$0.unflushed && !$0.isDirectory }) == true
    }

    /// What HEAD says of such an object. True: it is another client's, and the file has become that.
    mutating func absorbSettled(
        _ inode: InodeNumber, _ tag: ETag, startedAt: Instant
    ) -> Bool {
        guard let address = address(inode), let settling = intents.intents[address]?.settling
        else { return false }
        inodes[inode]?.checkedAt = startedAt
        guard tag != settling.tag, !intents.isOwn(tag, at: address) else { return false }
        if let data = yieldToRemote(address) { discard(data) }
        return true
    }

    /// The same of a renamed file that has nothing else to be sent.
    func isSettledCopy(_ inode: InodeNumber) -> Bool {
        guard let address = address(inode), intents.settlingKeys.contains(address),
            intents.flights[address] == nil
        else { return false }
        return isMoved(inode) && inodes.look(inode) { $0.dataID == nil } == true
    }

    /// What was done and is only looked at once more is over when another client's version is there.
    mutating func endSettled(_ inode: InodeNumber, by tag: ETag) {
        guard let address = address(inode), intents.settlingKeys.contains(address),
            intents.flights[address] == nil, let intent = intents.intents[address],
            [.put, .metadata, .copy].contains(intent.record.want),
            inodes.look(inode, { $0.dataID == nil && !$0.unflushed && !$0.isDirectory }) == true,
            tag != intent.settling?.tag, !intents.isOwn(tag, at: address)
        else { return }
        dropIntent(address)
    }

    /// A deletion that was done and is only looked at once more hides what late requests of this mount leave. True: the
    /// object is another client's, and is shown.
    mutating func endsDeletion(
        _ parent: InodeNumber, _ name: EntryName, by tag: ETag
    ) -> Bool {
        guard let address = try? addresses(parent, name).file,
            intents.settlingKeys.contains(address), intents.flights[address] == nil,
            intents.intents[address]?.record.want == .delete, !intents.isOwn(tag, at: address)
        else { return false }
        dropIntent(address)
        return true
    }

    /// Such an object is gone: a late request undid it, or another client. It is looked at now, not later.
    mutating func settleNow(_ inode: InodeNumber, startedAt: Instant) {
        guard let address = address(inode) else { return }
        inodes[inode]?.checkedAt = startedAt
        intents.settleNow(address, now: startedAt)
    }

    /// A copy that was done is not there any more.
    mutating func recopy(_ address: ObjectAddress, now: Instant) {
        if let record = intents.setBase(address, nil) { journal.append(.intent(record)) }
        intents.unsettle(address, now: now)
    }

    /// Forgets requests that cannot take effect any more. Returns when to look again.
    mutating func expire(now: Instant) -> Instant? {
        let (keys, next) = intents.expire(now: now)
        for address in keys { closeFlight(address) }
        return next
    }
}

extension IntentTable.Flight {
    /// Takes effect whatever the key has by then.
    var isUnconditional: Bool {
        switch want {
        case .put: false
        case .metadata, .delete, .makeDirectory, .removeDirectory, .copy: true
        }
    }
}
