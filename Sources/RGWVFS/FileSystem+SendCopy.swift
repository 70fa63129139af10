import RGWBase
import RGWObject
import RGWSpool

/// Requests that copy what the server has: renames, and markers with content.
extension FileSystem {
    /// What another program keeps at a directory's own key stays: it is copied onto itself. A marker that was
    /// seen to be empty is not replaced by another unseen.
    func sendMarker(_ shipment: Shipment) {
        let flight = shipment.flight
        if let content = shipment.wholeTag {
            store(for: flight).copy(
                from: flight.address, to: flight.address, metadata: shipment.metadata,
                sourceMatching: content
            ) { [self] in ended(shipment, $0.map { Optional($0) }) }
            return
        }
        let known = withState { state in
            flight.inode.flatMap { state.inodes[$0] }.flatMap { $0.base?.etag }
        }
        store(for: flight).put(
            flight.address, body: .bytes([]), md5: Self.emptyDigest, metadata: shipment.metadata,
            precondition: known.map { .matches($0) } ?? .none
        ) { [self] in ended(shipment, $0.map { Optional($0) }) }
    }

    func sendCopy(_ shipment: Shipment) {
        let flight = shipment.flight
        guard let source = flight.source else {
            preconditionFailure("a copy without a source is refused when the journal is read")
        }
        if flight.inode != nil { return copy(shipment, source, StorageTraits()) }
        let known = withState { state in state.knownStorage(flight.address, source.version.etag) }
        if let known { return copy(shipment, source, known) }
        // RGW 20 keeps neither class nor encryption of what it copies; earlier releases keep what is the same.
        store(for: flight).head(source.address) { [self] result in
            switch result {
            case .success(let head) where head.etag.isSame(as: source.version.etag):
                copy(shipment, source, head.metadata.storage)
            case .success:
                let changed = ObjectStoreError(
                    .preconditionFailed, operation: "COPY \(source.address)",
                    message: "changed by another client")
                ended(shipment, .failure(changed))
            case .failure(var error):
                // Nothing was copied: there is no outcome to be looked for.
                if error.kind == .unknownOutcome { error.kind = .busy }
                ended(shipment, .failure(error))
            }
        }
    }

    private func copy(_ shipment: Shipment, _ source: CopySource, _ storage: StorageTraits) {
        let flight = shipment.flight
        store(for: flight).copy(
            from: source.address, to: flight.address,
            metadata: flight.inode == nil ? nil : shipment.metadata, storage: storage,
            sourceMatching: source.version.etag
        ) { [self] in ended(shipment, $0.map { Optional($0) }) }
    }
}
