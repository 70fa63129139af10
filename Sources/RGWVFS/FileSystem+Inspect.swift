import RGWBase
import RGWObject
import RGWSpool

/// Requests whose outcome is not known, and objects that are not what they should be: the object is looked
/// at before anything is sent again.
extension FileSystem {
    /// `error` is why; nil: an earlier request's outcome is not known, and this one has not been sent.
    func inspect(_ shipment: Shipment, _ error: ObjectStoreError?) {
        let flight = shipment.flight
        if error?.kind == .unknownOutcome { noteUncertain(shipment) }
        store.head(flight.address) { [self] result in
            switch result {
            case .success(let head): inspected(shipment, head, error)
            case .failure(let failure) where failure.kind == .noSuchKey:
                foundAbsent(shipment, failure, error)
            case .failure(let failure): retryLater(flight, failure)
            }
        }
    }

    private func noteUncertain(_ shipment: Shipment) {
        let now = clock.now()
        let time = clock.wallTime()
        withState { state in
            state.noteUncertain(shipment.flight, tag: shipment.tag, now: now, time: time)
        }
    }

    private func foundAbsent(
        _ shipment: Shipment, _ failure: ObjectStoreError, _ error: ObjectStoreError?
    ) {
        let flight = shipment.flight
        switch flight.want {
        case .delete, .removeDirectory: landed(shipment, nil)
        case .metadata, .copy: refused(flight, failure)
        case .put, .makeDirectory:
            // Deleted by somebody else, or never there: it is made anew.
            withState { state in
                if let record = state.intents.setBase(flight.address, nil) {
                    state.journal.append(.intent(record))
                }
            }
            again(flight, error)
        }
    }

    /// Sends it again: at once when it was not this request that failed.
    private func again(_ flight: IntentTable.Flight, _ error: ObjectStoreError?) {
        let now = clock.now()
        withState { state in state.intents.noteInspected(flight.address) }
        if let error { return retryLater(flight, error) }
        withState { state in state.retry(flight, at: now) }
        settle(flight.address)
    }

    private func inspected(
        _ shipment: Shipment, _ head: ObjectHead, _ error: ObjectStoreError?
    ) {
        let flight = shipment.flight
        let isSame = head.metadata.user == shipment.metadata.user
        switch flight.want {
        case .put:
            let isOurs = head.etag == shipment.tag && head.size == shipment.size
            if isOurs, isSame {
                // The answer was lost.
                seen(shipment, head)
            } else if isOurs || isOwn(head.etag, flight) {
                // Our bytes of an earlier request, or somebody's equal ones: with other attributes, or
                // changed here since.
                replace(flight, base: head.etag)
            } else if head.etag == flight.base {
                again(flight, error)
            } else {
                conflict(shipment, head)
            }
        case .metadata:
            if head.etag != flight.base {
                conflict(shipment, head)
            } else if isSame {
                seen(shipment, head)
            } else {
                again(flight, error)
            }
        // An older marker otherwise: the change of its attributes did not get there.
        case .makeDirectory: if isSame { seen(shipment, head) } else { again(flight, error) }
        case .delete, .removeDirectory, .copy: again(flight, error)
        }
    }

    /// The object is as the request leaves it.
    private func seen(_ shipment: Shipment, _ head: ObjectHead) {
        withState { state in state.intents.noteSeen(shipment.flight.address) }
        landed(shipment, Stored(etag: head.etag, lastModified: head.lastModified))
    }

    /// An earlier request of this mount, whose outcome was not known, left this version.
    private func isOwn(_ tag: ETag, _ flight: IntentTable.Flight) -> Bool {
        withState { state in state.intents.isOwn(tag, at: flight.address) }
    }

    /// The version that is there may be replaced: it is sent again, on condition that it is still there.
    private func replace(_ flight: IntentTable.Flight, base: ETag) {
        let now = clock.now()
        withState { state in
            state.intents.noteSeen(flight.address)
            state.intents.noteInspected(flight.address)
            if let record = state.intents.setBase(flight.address, base) {
                state.journal.append(.intent(record))
            }
            state.retry(flight, at: now)
        }
        settle(flight.address)
    }

    private func conflict(_ shipment: Shipment, _ head: ObjectHead) {
        let flight = shipment.flight
        let now = clock.now()
        let time = clock.wallTime()
        let path = flight.address.key.text
        let isYielded = withState { state in
            state.intents.noteInspected(flight.address)
            return state.yieldKey(flight, now: now)
        }
        if isYielded { return settle(flight.address) }
        let conflicted = ObjectStoreError(
            .preconditionFailed, operation: "\(flight.want) \(flight.address)",
            message: "changed by another client")
        if flight.want == .metadata {
            // Nothing but attributes is lost, and the newer version has its own.
            return refused(flight, conflicted)
        }
        switch configuration.conflict {
        case .hold: refused(flight, conflicted)
        case .local: replace(flight, base: head.etag)
        case .both:
            let suffix = ".conflict-\(configuration.hostName)-\(UTCText.compact(time))"
            let name = withState { state in
                state.keepBoth(flight, suffix: suffix, now: now, time: time)
            }
            guard let name else { return refused(flight, conflicted) }
            events(.conflict(path: path, keptAs: name.text))
            settle(flight.address)
        }
    }
}
