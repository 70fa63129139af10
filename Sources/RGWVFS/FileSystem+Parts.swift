import RGWBase
import RGWObject
import RGWSpool

/// Uploads in parts, for files over the limit of one PUT. The upload's id is in the journal before its
/// first part is sent; which parts the server has, ListParts tells after a crash.
extension FileSystem {
    func sendParts(_ shipment: Shipment) {
        let flight = shipment.flight
        let known = withState { state in state.intents.uploads[flight.address]?.record }
        guard let known else { return createUpload(shipment) }
        let upload = MultipartUploadAddress(object: flight.address, id: UploadID(known.id))
        guard known.generation == flight.uploadGeneration, !flight.isOfCopy,
            known.size == shipment.size, known.partSize <= withState({ $0.bodyMax ?? .max })
        else {
            return abort(upload, shipment) { [self] in createUpload(shipment) }
        }
        store(for: flight).listParts(upload) { [self] result in
            switch result {
            case .success(let listed): sendParts(shipment, upload, known, listed)
            case .failure(let error) where error.kind == .noSuchUpload:
                uploadIsGone(shipment, error)
            case .failure(let error): partsFailed(shipment, error)
            }
        }
    }

    private func createUpload(_ shipment: Shipment) {
        let flight = shipment.flight
        store(for: flight).createUpload(flight.address, metadata: shipment.metadata) {
            [self] result in
            switch result {
            case .failure(let error):
                if error.kind == .unknownOutcome {
                    let time = clock.wallTime()
                    withState { state in state.intents.sweeps[flight.address] = time }
                }
                partsFailed(shipment, error)
            case .success(let id):
                let record = UploadRecord(
                    id: id.text, partSize: withState { $0.partSize(shipment.size) },
                    generation: flight.uploadGeneration, size: shipment.size,
                    metadata: shipment.metadata.digest)
                let time = clock.wallTime()
                let ticket = withState { state in
                    state.intents.uploads[flight.address] = IntentTable.Upload(record: record)
                    state.noteFlight(flight, tag: nil, time: time)
                    return state.journal.enqueued
                }
                let upload = MultipartUploadAddress(object: flight.address, id: id)
                commit(ticket) { [self] error in
                    guard let error else { return sendParts(shipment, upload, record, []) }
                    let unnoted = ObjectStoreError(
                        .bodyUnreadable, operation: "PUT \(flight.address)",
                        message: "the journal: \(error)")
                    partsFailed(shipment, unnoted)
                }
            }
        }
    }

    private func sendParts(
        _ shipment: Shipment, _ upload: MultipartUploadAddress, _ record: UploadRecord,
        _ listed: [ListedPart]
    ) {
        guard let file = shipment.file else {
            preconditionFailure("nothing but a spool file is larger than one PUT")
        }
        let run = PartedUpload(
            store: store(for: shipment.flight), progress: shipment.flight.progress,
            workers: lanes.long,
            upload: upload, file: file, record: record,
            atOnce: configuration.partsAtOnce, listed: listed,
            isWanted: { [self] in withState { state in state.isWanted(shipment.flight) } })
        run.start { [self] result in
            switch result {
            case .success(let parts): complete(shipment, upload, record, parts)
            case .failure(let error) where error.kind == .noSuchUpload:
                uploadIsGone(shipment, error)
            case .failure(let error) where error.kind == .badDigest:
                let isWanted = withState { state in state.isWanted(shipment.flight) }
                abort(upload, shipment) { [self] in
                    if isWanted {
                        retryLater(shipment.flight, error)
                    } else {
                        changedMeanwhile(shipment)
                    }
                }
            case .failure(let error) where error.kind == .tooLarge:
                abort(upload, shipment) { [self] in
                    partRefused(shipment, part: min(record.partSize, record.size), error)
                }
            case .failure(let error): partsFailed(shipment, error)
            }
        }
    }

    /// The tag goes to the journal first: an answer that is lost is found by it.
    private func complete(
        _ begun: Shipment, _ upload: MultipartUploadAddress, _ record: UploadRecord,
        _ parts: [UploadedPart]
    ) {
        let tag = store.etag(of: parts)
        var whole = begun
        whole.wholeTag = tag
        let shipment = whole
        let flight = shipment.flight
        let time = clock.wallTime()
        let ticket = withState { state -> UInt64? in
            guard state.isWanted(flight) else { return nil }
            state.intents.uploads[flight.address]?.tag = tag
            state.noteFlight(flight, tag: tag, time: time)
            return state.journal.enqueued
        }
        guard let ticket else {
            return abort(upload, shipment) { [self] in changedMeanwhile(shipment) }
        }
        commit(ticket) { [self] error in
            if let error {
                let unnoted = ObjectStoreError(
                    .bodyUnreadable, operation: "PUT \(flight.address)",
                    message: "the journal: \(error)")
                return partsFailed(shipment, unnoted)
            }
            // Written to between the last look and now: no object is to be made of that.
            guard withState({ state in state.isWanted(flight) }) else {
                return abort(upload, shipment) { [self] in changedMeanwhile(shipment) }
            }
            let precondition: Precondition = flight.base.map { .matches($0) } ?? .absent
            store(for: flight).completeUpload(upload, parts: parts, precondition: precondition) {
                [self] in
                completed(shipment, upload, record, $0)
            }
        }
    }

    /// RGW before 20 loses the tags that an upload in parts was begun with. Where they cannot be set now, a copy
    /// onto itself is to bring them.
    private func tagged(_ shipment: Shipment, then done: @escaping @Sendable () -> Void) {
        guard let tags = shipment.metadata.tags, !tags.isEmpty else { return done() }
        let address = shipment.flight.address
        store(for: shipment.flight).setTags(tags, of: address) { [self] result in
            if case .failure = result {
                withState { state in state.intents.noteMetadataChanged(address) }
            }
            done()
        }
    }

    private func completed(
        _ shipment: Shipment, _ upload: MultipartUploadAddress, _ record: UploadRecord,
        _ result: Result<Stored, ObjectStoreError>
    ) {
        switch result {
        case .success(let stored):
            let isSame = record.metadata == shipment.metadata.digest
            withState { state in
                if !isSame { state.intents.noteMetadataChanged(shipment.flight.address) }
            }
            tagged(shipment) { [self] in landed(shipment, stored) }
        case .failure(let error) where error.kind == .preconditionFailed:
            abort(upload, shipment) { [self] in inspect(shipment, error) }
        case .failure(var error) where error.kind == .noSuchUpload:
            // Completed by an earlier call, or freed by somebody else: the object tells.
            error.kind = .unknownOutcome
            withState { state in state.intents.uploads[shipment.flight.address] = nil }
            inspect(shipment, error)
        case .failure(let error): ended(shipment, .failure(error))
        }
    }

    private func uploadIsGone(_ shipment: Shipment, _ error: ObjectStoreError) {
        withState { state in state.intents.uploads[shipment.flight.address] = nil }
        retryLater(shipment.flight, error)
    }

    /// What the server has of the upload stays; the next attempt goes on from there.
    private func partsFailed(_ shipment: Shipment, _ error: ObjectStoreError) {
        // No object can have been made.
        if error.remedy == .inspect { return retryLater(shipment.flight, error) }
        ended(shipment, .failure(error))
    }

    // MARK: Uploads that are not wanted

    private func abort(
        _ upload: MultipartUploadAddress, _ shipment: Shipment,
        then next: @escaping @Sendable () -> Void
    ) {
        store(for: shipment.flight).abortUpload(upload) { [self] result in
            let retryAt = clock.now() + Self.abortPause
            withState { state in
                state.endAbort(upload, retryAt: (try? result.get()) == nil ? retryAt : nil)
            }
            if case .failure(let error) = result { return partsFailed(shipment, error) }
            next()
        }
    }

    private static let abortPause = Duration.seconds(60)

    func run(_ chore: UploadChore) {
        switch chore {
        case .abort(let upload):
            store.abortUpload(upload) { [self] result in
                let retryAt = clock.now() + Self.abortPause
                withState { state in
                    state.endAbort(upload, retryAt: (try? result.get()) == nil ? retryAt : nil)
                }
                commitInBackground()
                if case .failure = result { timer.schedule(at: retryAt) { [self] in pump() } }
            }
        case .sweep(let address, let since): sweep(address, since: since)
        }
    }

    /// How far the server's clock may be behind this one.
    private static let skewMax: Int64 = 60

    /// `after`: where the next page begins. Other keys may begin with this one; they come behind it.
    private func sweep(_ address: ObjectAddress, since: WallTime, after: OpenUpload? = nil) {
        store.listUploads(
            address.bucket, prefix: address.key, after: after, limit: Self.pageNamesMax
        ) { [self] result in
            switch result {
            case .failure: sweepAgain(address, since: since)
            case .success(let page):
                free(page.uploads, of: address, since: since)
                if let next = page.next, next.upload.object == address, next != after {
                    return sweep(address, since: since, after: next)
                }
            }
            withState { state in state.intents.release(address) }
            pump()
        }
    }

    /// All but the one that is used.
    private func free(_ uploads: [OpenUpload], of address: ObjectAddress, since: WallTime) {
        let known = withState { state in state.intents.uploads[address]?.record.id }
        let again = OnceGate()
        for open in uploads
        where open.upload.object == address && open.upload.id.text != known
            && open.initiated.seconds >= since.seconds - Self.skewMax
        {
            store.abortUpload(open.upload) { [self] result in
                if case .failure = result, again.enter() { sweepAgain(address, since: since) }
            }
        }
    }

    /// Rarely worth more than another look: the parts cost space, nothing else.
    private func sweepAgain(_ address: ObjectAddress, since: WallTime) {
        timer.schedule(at: clock.now() + Self.abortPause) { [self] in
            withState { state in state.intents.sweeps[address] = since }
            pump()
        }
    }
}
