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
