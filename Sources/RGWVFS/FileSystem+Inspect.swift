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
        if flight.want == .copy, !shipment.isInstead, let error, error.kind != .unknownOutcome {
            return inspectSource(shipment, error)
        }
        store(for: flight).head(flight.address) { [self] result in
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
        case .metadata: refused(flight, failure)
        case .put, .makeDirectory, .copy:
            // Deleted by somebody else, or never there: it is made anew.
            withState { state in
                state.learnMarker(flight.inode, nil)
                if let record = state.intents.setBase(flight.address, nil) {
                    state.journal.append(.intent(record))
                }
            }
            if flight.base != nil, error != nil, error?.kind != .unknownOutcome {
                noteInspected(flight)
                return repeatOnce(flight, error)
            }
            again(shipment, error)
        }
    }

    /// The object is as the request required it: it is sent again, at once when it was not this request that
    /// failed.
    private func again(_ shipment: Shipment, _ error: ObjectStoreError?) {
        noteInspected(shipment.flight)
        if let error { unexplained(shipment, error) } else { repeatOnce(shipment.flight, nil) }
    }

    private func noteInspected(_ flight: IntentTable.Flight) {
        let now = clock.now()
        withState { state in state.intents.noteInspected(flight.address, now: now) }
    }

    private func inspected(
        _ shipment: Shipment, _ head: ObjectHead, _ error: ObjectStoreError?
    ) {
        let flight = shipment.flight
        let isSame = head.metadata.isSame(as: shipment.metadata)
        switch flight.want {
        case .put:
            let isOurs = head.etag == shipment.tag && head.size == shipment.size
            if losesClaim(flight, unless: isOurs && isSame, error) { return }
            if isOurs, isSame {
                // The answer was lost.
                seen(shipment, head)
            } else if isOurs || isOwn(head.etag, flight) {
                // Our bytes of an earlier request, or somebody's equal ones: with other attributes, or
                // changed here since.
                replace(flight, base: head.etag, error)
            } else if head.etag == flight.base {
                again(shipment, error)
            } else {
                conflict(shipment, head, error)
            }
        case .metadata:
            if head.etag != flight.base {
                conflict(shipment, head, error)
            } else if isSame {
                seen(shipment, head)
            } else {
                again(shipment, error)
            }
        // An older marker otherwise: the change of its attributes did not get there.
        case .makeDirectory:
            if isSame { return seen(shipment, head) }
            withState { state in state.learnMarker(flight.inode, head) }
            // Another version than the one that was to be changed: this one is changed at once.
            again(shipment, head.etag == shipment.tag ? error : nil)
        case .copy: inspectedTarget(shipment, head, error)
        case .removeDirectory: again(shipment, error)
        case .delete where flight.base.map({ head.etag.isSame(as: $0) }) ?? false:
            again(shipment, error)
        case .delete where isOwn(head.etag, flight): replace(flight, base: head.etag, error)
        case .delete: keepForeign(flight)
        }
    }

    /// Another client's version is not deleted unknowingly.
    private func keepForeign(_ flight: IntentTable.Flight) {
        let moment = moment()
        withState { state in
            let isWanted = state.intents.intents[flight.address]?.revision == flight.revision
            state.retry(flight, at: moment.now)
            if isWanted { state.keepForeign(flight.address, flight.want, moment.time) }
        }
        settle(flight.address)
    }

    // MARK: Settling

    /// The last look at a key after requests of unknown outcome: none of them takes effect any more.
    func verify(_ shipment: Shipment) {
        let flight = shipment.flight
        store(for: flight).head(flight.address) { [self] result in
            switch result {
            case .success(let head):
                let isSame = flight.inode == nil || head.metadata.user == shipment.metadata.user
                verified(flight, head.etag, isSame: isSame)
            case .failure(let error) where error.kind == .noSuchKey:
                verified(flight, nil, isSame: true)
            case .failure(let error): retryLater(flight, error)
            }
        }
    }

    private func verified(_ flight: IntentTable.Flight, _ tag: ETag?, isSame: Bool) {
        let now = clock.now()
        withState { state in
            // Undone by a late request of this mount: an older version or older metadata is back, or a deletion
            // took the object. Anything else is another client's later change.
            let isUndone =
                tag.map { state.intents.isOwn($0, at: flight.address) }
                ?? state.intents.mayDelete(flight.address)
            if tag == flight.settling?.tag && isSame || !isUndone {
                state.conclude(flight, now: now)
            } else {
                state.redo(flight, base: tag, now: now)
            }
        }
        settle(flight.address)
    }

    // MARK: Copies

    /// The target of a copy, looked at because an earlier copy's outcome is not known or because it is long
    /// ago that it was known.
    private func inspectedTarget(
        _ shipment: Shipment, _ head: ObjectHead, _ error: ObjectStoreError?
    ) {
        let flight = shipment.flight
        let isSame = flight.inode == nil || head.metadata.isSame(as: shipment.metadata)
        if isOwn(head.etag, flight), head.etag == shipment.tag {
            if isSame { seen(shipment, head) } else { replace(flight, base: head.etag, error) }
        } else if head.etag == flight.base {
            again(shipment, error)
        } else if head.etag == shipment.tag || isOwn(head.etag, flight) {
            // The same bytes, whoever wrote them; or an earlier version of this mount.
            replace(flight, base: head.etag, error)
        } else {
            conflict(shipment, head, error)
        }
    }

    /// The copy was refused because of its source: it is another version, or gone.
    private func inspectSource(_ shipment: Shipment, _ error: ObjectStoreError) {
        let flight = shipment.flight
        guard let source = flight.source else { return refused(flight, error) }
        store(for: flight).head(source.address) { [self] result in
            switch result {
            case .success(let head) where head.etag.isSame(as: source.version.etag):
                unexplained(shipment, error)
            case .success(let head):
                let version = BaseVersion(head)
                let time = clock.wallTime()
                withState { state in
                    if state.intents.intents[flight.address]?.record.source?.address
                        == source.address
                    {
                        state.sourceChanged(flight.address, version, time: time)
                    }
                }
                repeatOnce(flight, error)
            case .failure(let failure) where failure.kind == .noSuchKey:
                sourceIsGone(shipment, failure)
            case .failure(let failure): retryLater(flight, failure)
            }
        }
    }

    /// Another client wrote to the name that a file was renamed to.
    private func copyConflict(
        _ shipment: Shipment, _ head: ObjectHead, _ error: ObjectStoreError?
    ) {
        let flight = shipment.flight
        let moment = moment()
        switch policy(flight) {
        case .hold: block(flight, Self.foreign(flight))
        case .local: replace(flight, base: head.etag, error)
        case .both:
            let suffix = ".conflict-\(configuration.hostName)-\(UTCText.compact(moment.time))"
            let name = withState { state in
                state.keepCopyBeside(flight, suffix: suffix, moment)
            }
            if let name {
                events(.conflict(path: flight.address.key.text, keptAs: name.text))
            }
            settle(flight.address)
        }
    }

    /// Removed by another client, unless an earlier copy of unknown outcome was done before that.
    private func sourceIsGone(_ shipment: Shipment, _ failure: ObjectStoreError) {
        let flight = shipment.flight
        store(for: flight).head(flight.address) { [self] result in
            switch result {
            case .success(let head) where isOwn(head.etag, flight): seen(shipment, head)
            case .success: refused(flight, failure)
            case .failure(let error) where error.kind == .noSuchKey: refused(flight, failure)
            case .failure(let error): retryLater(flight, error)
            }
        }
    }

    /// The object is as the request leaves it.
    private func seen(_ shipment: Shipment, _ head: ObjectHead) {
        withState { state in state.intents.noteSeen(shipment.flight, tag: head.etag) }
        landed(shipment, Stored(etag: head.etag, lastModified: head.lastModified))
    }

    /// An earlier request of this mount, whose outcome was not known, left this version.
    private func isOwn(_ tag: ETag, _ flight: IntentTable.Flight) -> Bool {
        withState { state in state.intents.isOwn(tag, at: flight.address) }
    }

    /// The version that is there may be replaced: it is sent again, on condition that it is still there.
    private func replace(
        _ flight: IntentTable.Flight, base: ETag, _ error: ObjectStoreError?
    ) {
        let now = clock.now()
        withState { state in
            state.intents.noteSeen(flight, tag: base)
            state.intents.noteInspected(flight.address, now: now)
            if let record = state.intents.setBase(flight.address, base) {
                state.journal.append(.intent(record))
            }
        }
        repeatOnce(flight, error)
    }

    /// How often a file goes beside another client's version before its user is asked.
    private static let besideMax = 2

    private func policy(_ flight: IntentTable.Flight) -> ConflictPolicy {
        let (count, isHeld) = withState { state in
            let intent = state.intents.intents[flight.address]
            return (intent?.conflicts ?? 0, intent?.record.isConflict ?? false)
        }
        if isHeld { return .hold }
        guard configuration.conflict == .both else { return configuration.conflict }
        return count < Self.besideMax ? .both : .hold
    }

    private static func foreign(_ flight: IntentTable.Flight) -> ObjectStoreError {
        ObjectStoreError.conflict(
            at: flight.address, operation: "\(flight.want) \(flight.address)",
            advice: flight.want == .metadata
                ? "its attributes stay" : "choose a version with rgwfs resolve")
    }

    private func conflict(
        _ shipment: Shipment, _ head: ObjectHead, _ error: ObjectStoreError?
    ) {
        let flight = shipment.flight
        let moment = moment()
        if flight.want == .copy { return copyConflict(shipment, head, error) }
        let isYielded = withState { state in
            state.intents.noteInspected(flight.address, now: moment.now)
            return state.yieldKey(flight, moment)
        }
        if isYielded { return settle(flight.address) }
        // What would be sent was the bucket's version, and was replaced there: it is no version of its own.
        if flight.want == .put, let tag = shipment.tag, tag == flight.base,
            withState({ $0.yieldConfirmed(flight, moment) })
        {
            return settle(flight.address)
        }
        // Nothing but attributes is lost, and the newer version has its own.
        if flight.want == .metadata {
            guard withState({ $0.applyToNewer(flight, head) }) else {
                return refused(flight, Self.foreign(flight))
            }
            return replace(flight, base: head.etag, error)
        }
        switch policy(flight) {
        case .hold: refused(flight, Self.foreign(flight))
        case .local: replace(flight, base: head.etag, error)
        case .both:
            let suffix = ".conflict-\(configuration.hostName)-\(UTCText.compact(moment.time))"
            let name = withState { state in
                state.keepBoth(flight, suffix: suffix, now: moment.now, time: moment.time)
            }
            guard let name else { return refused(flight, Self.foreign(flight)) }
            events(.conflict(path: flight.address.key.text, keptAs: name.text))
            settle(flight.address)
        }
    }
}

extension ObjectMetadata {
    /// What HEAD says of an object agrees with what was sent.
    fileprivate func isSame(as sent: ObjectMetadata) -> Bool {
        user == sent.user && tagCount == sent.tagCount
    }
}
