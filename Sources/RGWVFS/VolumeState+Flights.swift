import RGWBase
import RGWObject
import RGWSpool

/// The journal's rows of requests under way and of those whose outcome never became known.
extension VolumeState {
    /// A request is about to be sent.
    mutating func noteFlight(_ flight: IntentTable.Flight, tag: ETag?, time: WallTime) {
        journal.append(
            .flight(
                intents.row(
                    flight, tag: tag, isUnconditional: flight.isUnconditional, started: time)))
    }

    /// Nobody can tell whether the request took effect; it may yet do so.
    mutating func noteUncertain(
        _ flight: IntentTable.Flight, tag: ETag?, now: Instant, time: WallTime
    ) {
        intents.noteUncertain(
            intents.row(flight, tag: tag, isUnconditional: flight.isUnconditional, started: time),
            until: now + configuration.settleTime)
    }

    /// The request has ended, and what it did is known. Rows of earlier ones stay.
    mutating func closeFlight(_ address: ObjectAddress) {
        if let known = intents.unsettled[address] {
            journal.append(.flight(known.record))
        } else {
            journal.append(.removeFlight(address))
        }
    }

    /// What the flight's intent wanted is done. True: requests of unknown outcome may yet undo it, so that
    /// the key is looked at once more when they cannot.
    mutating func settles(_ flight: IntentTable.Flight, tag: ETag?, now: Instant) -> Bool {
        guard let known = intents.unsettled[flight.address], known.until > now else { return false }
        switch flight.want {
        case .delete, .removeDirectory:
            // A late deletion of nothing does no harm.
            if known.record.tags.isEmpty { return false }
        case .put, .metadata, .copy, .makeDirectory:
            // What must find its own base or nothing finds this version instead, and is refused.
            let isSame = known.record.tags == [tag].compactMap(\.self) && known.record.want != .delete
            if !known.record.isUnconditional || isSame { return false }
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
        let inode = flight.inode
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

    /// Forgets requests that cannot take effect any more. Returns when to look again.
    mutating func expire(now: Instant) -> Instant? {
        let (keys, next) = intents.expire(now: now)
        for address in keys { journal.append(.removeFlight(address)) }
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
