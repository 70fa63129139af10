import RGWBase
import RGWObject
import RGWSpool

/// The look at an object before a change of it goes up, where what is known of it was old.
extension FileSystem {
    /// Calls `send` with what is to be sent after what was seen.
    func look(_ shipment: Shipment, then send: @escaping @Sendable (Shipment) -> Void) {
        let flight = shipment.flight
        // What is renamed and changed is still under its old name.
        let source = flight.want == .copy ? flight.source : nil
        store(for: flight).head(source?.address ?? flight.address) { [self] result in
            switch result {
            case .success(let head)
            where flight.want == .makeDirectory
                || source.map { head.etag.isSame(as: $0.version.etag) }
                    ?? (head.etag == flight.base):
                look(shipment, head, then: send)
            case .success:
                let changed = ObjectStoreError(
                    .preconditionFailed, operation: "\(flight.want) \(flight.address)",
                    message: "changed by another client")
                ended(shipment, .failure(changed))
            case .failure(let error) where error.kind == .noSuchKey:
                // What it comes to without an object is found where the request meets that.
                withState { state in
                    if let inode = flight.inode { state.inodes[inode]?.needsLook = false }
                }
                send(shipment)
            case .failure(let error): retryLater(flight, error)
            }
        }
    }

    private func look(
        _ shipment: Shipment, _ head: ObjectHead, then send: @escaping @Sendable (Shipment) -> Void
    ) {
        let flight = shipment.flight
        let merged = withState { state -> (ObjectMetadata, tags: InodeNumber?)? in
            guard let metadata = state.mergeLook(flight, head) else { return nil }
            return (metadata, metadata.tagCount > 0 ? flight.inode : nil)
        }
        var shipment = shipment
        guard let (metadata, tags) = merged else { return send(shipment) }
        shipment.metadata = metadata
        guard let tags else { return send(shipment) }
        // They are lost by a change unless it sends them again.
        fetch(.tags(tags)) { [self, shipment] error in
            if error != nil {
                let missing = ObjectStoreError(
                    .unreachable, operation: "tags of \(flight.address)",
                    message: "the object's tags could not be read")
                return retryLater(flight, missing)
            }
            var shipment = shipment
            let metadata = withState { state in
                state.saveNode(tags)
                return state.inodes[tags].map {
                    PosixMetadata.merge($0.attributes, into: $0.metadata)
                }
            }
            if let metadata { shipment.metadata = metadata }
            send(shipment)
        }
    }
}
