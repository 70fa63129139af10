import RGWBase
import RGWObject
import RGWSpool

/// What comes before a request is sent: bytes that are missing, the digest, the journal.
extension FileSystem {
    /// In the journal together, then in the outbox. What lacks something comes later.
    func prepare(_ shipments: [Shipment]) { note(shipments.compactMap(whole)) }

    /// Files that lack bytes which this key has, or which are sent, get them first. Nil: it comes later, or
    /// not at all.
    private func whole(_ shipment: Shipment) -> Shipment? {
        guard let inode = needsFirst(shipment.flight) else { return digested(shipment) }
        fetch(.whole(inode)) { [self] error in
            if let error {
                return ended(shipment, .failure(Self.incomplete(shipment.flight, error)))
            }
            let again = withState { state in Self.shipment(&state, shipment.flight) }
            let lane = again.size <= Self.smallBytesMax ? lanes.spool : lanes.long
            lane.submit { [self] in prepare([again]) }
        }
        return nil
    }

    /// What can be known before anything is sent. Nil: the object is looked at instead, or a copy is made.
    private func digested(_ shipment: Shipment) -> Shipment? {
        if shipment.needsCopy {
            copyFile(shipment) { [self] in note([$0].compactMap(digested)) }
            return nil
        }
        var shipment = shipment
        checkCoding(&shipment)
        switch shipment.flight.want {
        case .put where withState({ $0.goesInParts(shipment.size) }):
            shipment.wholeTag = withState { state in state.wholeTag(shipment.flight) }
        case .put where shipment.file != nil:
            do throws(SpoolError) {
                shipment.digest = try shipment.file?.md5(length: shipment.size) ?? []
            } catch {
                // Cut shorter meanwhile, or unreadable: the spool's error is the file's.
                let unreadable = ObjectStoreError(
                    .bodyUnreadable, operation: "PUT \(shipment.flight.address)",
                    message: "\(error)")
                ended(shipment, .failure(unreadable))
                return nil
            }
            // What was written while the digest was made is no version that a close has ended.
            if wasChanged(shipment.flight) {
                changedMeanwhile(shipment)
                return nil
            }
        case .makeDirectory:
            let content = withState { state in state.markerContent(shipment.flight.inode) }
            shipment.wholeTag = content?.etag
            shipment.digest = content == nil ? Self.emptyDigest : []
        case .put: shipment.digest = Self.emptyDigest
        case .metadata, .delete, .removeDirectory, .copy: break
        }
        if shipment.flight.settling != nil {
            verify(shipment)
            return nil
        }
        if shipment.flight.inspects {
            inspect(shipment, nil)
            return nil
        }
        return shipment
    }

    /// Rule: what is sent is in the journal before it is sent, so that after a crash the object tells by
    /// its tag whether the request took effect. One transaction carries the rows of all that are made ready
    /// together, and what ended before them. Source: writeback.md 4.9.
    private func note(_ shipments: [Shipment]) {
        if shipments.isEmpty { return }
        let time = clock.wallTime()
        let ticket = withState { state in
            for shipment in shipments {
                state.noteFlight(shipment.flight, tag: shipment.tag, time: time)
            }
            return state.journal.enqueued
        }
        commit(ticket) { [self] error in
            guard let error else {
                withState { state in state.outbox.append(shipments) }
                pump()
                return
            }
            // Not recorded, so not sent.
            for flight in shipments.map(\.flight) {
                let unnoted = ObjectStoreError(
                    .bodyUnreadable, operation: "\(flight.want) \(flight.address)",
                    message: "the journal: \(error)")
                lanes.short.submit { [self] in retryLater(flight, unnoted) }
            }
        }
    }
}
