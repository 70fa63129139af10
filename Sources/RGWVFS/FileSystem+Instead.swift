import RGWBase
import RGWObject
import RGWSpool

/// What the server cannot copy is read and sent again. Source: RGW answers CopyObject of encrypted objects with
/// NotImplemented before 20.2.3.
///
/// The request counts as under way until its end is known, so whoever waits hears that, and what copies from
/// the key or follows it waits too.
extension FileSystem {
    /// Objects up to this size are read into memory, larger ones into the spool.
    private static let inMemoryMax: UInt64 = 1 << 20

    /// True: it is on its way. A refusal that is no inability is worked around only where that is cheap.
    func goesInstead(_ shipment: Shipment, orElse error: ObjectStoreError) -> Bool {
        guard !shipment.isInstead, let (source, version) = original(shipment.flight) else {
            return false
        }
        let isCheap = version.size <= configuration.wholeBytesMax
        guard needsInstead(shipment.flight, error, isCheap: isCheap) else { return false }
        if version.size <= Self.inMemoryMax, version.etag.md5 != nil {
            sendFromMemory(shipment, from: source, version)
        } else {
            sendFromSpool(shipment, size: version.size)
        }
        return true
    }

    /// The server cannot copy this object; or a rename cannot be taken back, because its old name has a new
    /// file by now.
    private func needsInstead(
        _ flight: IntentTable.Flight, _ error: ObjectStoreError, isCheap: Bool
    ) -> Bool {
        switch error.kind {
        case .tooLarge, .invalidRequest, .notImplemented: return true
        case .preconditionFailed, .noSuchKey: return isCheap
        default:
            return flight.want == .copy && error.isRefusal
                && withState { state in !state.canRevertCopy(flight.address) }
        }
    }

    /// The object whose bytes the request is about; nil: it has none.
    private func original(
        _ flight: IntentTable.Flight
    ) -> (ObjectAddress, BaseVersion)? {
        switch flight.want {
        case .copy: return flight.source.map { ($0.address, $0.version) }
        case .metadata:
            let known = withState { state in flight.inode.flatMap { state.inodes[$0]?.base } }
            guard let known, known.etag == flight.base else { return nil }
            return (flight.address, known)
        case .put, .delete, .makeDirectory, .removeDirectory: return nil
        }
    }

    // MARK: In memory

    private func sendFromMemory(
        _ shipment: Shipment, from source: ObjectAddress, _ version: BaseVersion
    ) {
        var shipment = shipment
        shipment.isInstead = true
        shipment.digest = version.etag.md5 ?? []
        let sent = shipment
        let body = Collector()
        store(for: shipment.flight).get(
            source, range: nil, matching: version.etag,
            expecting: ExpectedObject(size: version.size),
            lane: .bulk, blockSize: Int(ReadCache.blockBytes), onBlock: { body.append($0) }
        ) { [self] result in
            switch result {
            case .failure(let error): ended(sent, .failure(error))
            case .success(let head) where body.bytes.count != Int(clamping: head.size):
                let short = ObjectStoreError(
                    .malformedAnswer, operation: "GET \(source)",
                    message: "\(body.bytes.count) of \(head.size) bytes")
                retryLater(sent.flight, short)
            case .success(let head):
                withTags(sent, source, head) { [self] in put($0, body.bytes) }
            }
        }
    }

    /// What the object is to have: what was changed here, or all that the source has.
    private func withTags(
        _ shipment: Shipment, _ source: ObjectAddress, _ head: ObjectHead,
        then next: @escaping @Sendable (Shipment) -> Void
    ) {
        if shipment.flight.inode != nil { return next(shipment) }
        var shipment = shipment
        shipment.metadata = head.metadata
        guard head.metadata.tagCount > 0 else { return next(shipment) }
        let untagged = shipment
        store(for: shipment.flight).tags(of: source) { [self] result in
            switch result {
            case .failure(let error): ended(untagged, .failure(error))
            case .success(let tags):
                var tagged = untagged
                tagged.metadata.tags = tags
                next(tagged)
            }
        }
    }

    /// On condition that the key has what it had, which no copy can require.
    private func put(_ shipment: Shipment, _ bytes: [UInt8]) {
        let flight = shipment.flight
        store(for: flight).put(
            flight.address, body: .bytes(bytes), md5: shipment.digest,
            metadata: shipment.metadata,
            precondition: flight.base.map { .matches($0) } ?? .absent
        ) { [self] in ended(shipment, $0.map { Optional($0) }) }
    }

    // MARK: Through the spool

    private func sendFromSpool(_ shipment: Shipment, size: UInt64) {
        let flight = shipment.flight
        let time = clock.wallTime()
        let inode = withState { state in
            flight.want == .copy
                ? state.inodeOfCopy(flight.address, time: time) : flight.inode
        }
        guard let inode else {
            let unable = ObjectStoreError(
                .notImplemented, operation: "\(flight.want) \(flight.address)",
                message: "the server cannot copy it, and it has no file to be sent from")
            return block(flight, unable)
        }
        bring(inode, size: size, attempts: 1) { [self] error in
            if let error { return retryLater(flight, Self.incomplete(flight, error)) }
            let (now, time) = (clock.now(), clock.wallTime())
            withState { state in
                let intent = state.intents.intents[flight.address]
                state.retry(flight, at: max(now, intent?.due ?? now))
                guard intent?.revision == flight.revision, state.address(inode) == flight.address,
                    state.inodes[inode]?.dataID != nil
                else { return }
                state.wantPut(inode, now: now, time: time, held: false, delay: .zero)
            }
            commitInBackground()
            settle(flight.address)
        }
    }

    /// Bounds how often the file may turn out to lack something more.
    private static let attemptsMax = 8

    /// Bytes and attributes of the object, in the spool.
    private func bring(
        _ inode: InodeNumber, size: UInt64, attempts: Int,
        then done: @escaping @Sendable (FileSystemError?) -> Void
    ) {
        let now = clock.now()
        let need = withState { state -> Need? in
            if let need = state.changeNeed(inode, now: now, since: now) { return need }
            return state.inodes[inode]?.dataID == nil ? .hydrate(inode, length: size) : nil
        }
        guard let need, attempts < Self.attemptsMax else { return done(nil) }
        fetch(need) { [self] error in
            if let error { return done(error) }
            lanes.spool.submit { [self] in
                bring(inode, size: size, attempts: attempts + 1, then: done)
            }
        }
    }
}

extension ETag {
    /// The MD5 of the object's bytes, where the tag is that, in lower case: not of an upload in parts.
    fileprivate var md5: [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count == 32, !digits.contains(where: { 0x41...0x46 ~= $0 }) else { return nil }
        return HexDigit.bytes(digits)
    }
}
