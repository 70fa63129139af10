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
