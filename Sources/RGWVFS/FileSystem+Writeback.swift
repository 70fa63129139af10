import RGWBase
import RGWObject
import RGWSpool

/// The write-back pump: starts what is due, hears how it ended, decides what comes next.
extension FileSystem {
    /// Everything a request needs, taken under the lock when it starts.
    private struct Shipment: Sendable {
        var flight: IntentTable.Flight
        var file: (any SpoolFile)?
        var size: UInt64
        var metadata: ObjectMetadata
        /// What the object's ETag will be if it is a single PUT, once known.
        var digest: [UInt8] = []
    }

    private enum Pick: Sendable {
        case ship(Shipment)
        case again(Instant?)
    }

    /// Starts everything that is due, and sets the timer for what is due later.
    func pump() {
        while true {
            let now = clock.now()
            let pick = withState { state -> Pick in
                guard state.intents.flights.count < configuration.uploadsMax else {
                    return .again(nil)
                }
                let (flight, next) = state.intents.take(now: now)
                if let flight { return .ship(Self.shipment(&state, flight)) }
                guard let next, state.pumpAt.map({ next < $0 || $0 <= now }) ?? true else {
                    return .again(nil)
                }
                state.pumpAt = next
                return .again(next)
            }
            switch pick {
            case .ship(let shipment):
                workers.submit { [self] in send(shipment) }
            case .again(let next):
                if let next { timer.schedule(at: next) { [self] in timerFired(next) } }
                return
            }
        }
    }

    private func timerFired(_ at: Instant) {
        withState { state in if state.pumpAt == at { state.pumpAt = nil } }
        pump()
    }

    private static func shipment(
        _ state: inout VolumeState, _ flight: IntentTable.Flight
    )
        -> Shipment
    {
        var flight = flight
        let inode = flight.inode.flatMap { state.inodes[$0] }
        flight.generation = inode?.generation ?? Generation(0)
        state.intents.update(flight)
        var metadata = ObjectMetadata()
        if let inode { metadata = PosixMetadata.merge(inode.attributes, into: inode.metadata) }
        return Shipment(
            flight: flight, file: inode?.spoolFile,
            size: inode?.spoolFile == nil || flight.want != .put ? 0 : inode?.attributes.size ?? 0,
            metadata: metadata)
    }

    // MARK: Sending

    /// Files that lack bytes which this key has, or which go there, get them first.
    private func send(_ shipment: Shipment) {
        guard let inode = needsFirst(shipment.flight) else { return sendNow(shipment) }
        fetch(.whole(inode)) { [self] error in
            if let error { return ended(shipment, .failure(Self.incomplete(shipment.flight, error))) }
            let again = withState { state in Self.shipment(&state, shipment.flight) }
            workers.submit { [self] in send(again) }
        }
    }

    private func sendNow(_ shipment: Shipment) {
        let flight = shipment.flight
        switch flight.want {
        case .put: sendFile(shipment)
        case .metadata:
            store.copy(
                from: flight.address, to: flight.address, metadata: shipment.metadata,
                sourceMatching: flight.base
            ) { [self] in ended(shipment, $0.map { Optional($0) }) }
        case .delete, .removeDirectory:
            store.delete(flight.address) { [self] in ended(shipment, $0.map { nil }) }
        case .makeDirectory:
            store.put(
                flight.address, body: .bytes([]), md5: Self.emptyDigest,
                metadata: shipment.metadata, precondition: .none
            ) { [self] in ended(shipment, $0.map { Optional($0) }) }
        }
    }

    /// The MD5 of nothing. Source: RFC 1321, A.5.
    private static let emptyDigest: [UInt8] = [
        0xD4, 0x1D, 0x8C, 0xD9, 0x8F, 0x00, 0xB2, 0x04, 0xE9, 0x80, 0x09, 0x98, 0xEC, 0xF8, 0x42,
        0x7E,
    ]

    private func sendFile(_ shipment: Shipment) {
        var shipment = shipment
        let flight = shipment.flight
        let precondition: Precondition = flight.base.map { .matches($0) } ?? .absent
        guard let file = shipment.file, shipment.size > 0 else {
            shipment.digest = Self.emptyDigest
            store.put(
                flight.address, body: .bytes([]), md5: Self.emptyDigest,
                metadata: shipment.metadata, precondition: precondition
            ) { [self, shipment] in ended(shipment, $0.map { Optional($0) }) }
            return
        }
        let body = ObjectBody.file(file, offset: 0, length: shipment.size)
        if shipment.size > configuration.multipartThreshold {
            store.putMultipart(
                flight.address, body: body, metadata: shipment.metadata,
                precondition: precondition
            ) { [self, shipment] in ended(shipment, $0.map { Optional($0) }) }
            return
        }
        do throws(SpoolError) {
            shipment.digest = try file.md5(length: shipment.size)
        } catch {
            // Cut shorter meanwhile, or unreadable: the spool's error is the file's.
            return ended(
                shipment,
                .failure(
                    ObjectStoreError(
                        .bodyUnreadable, operation: "PUT \(flight.address)",
                        message: "\(error)")))
        }
        store.put(
            flight.address, body: body, md5: shipment.digest, metadata: shipment.metadata,
            precondition: precondition
        ) { [self, shipment] in ended(shipment, $0.map { Optional($0) }) }
    }

    // MARK: Ends

    private func ended(_ shipment: Shipment, _ result: Result<Stored?, ObjectStoreError>) {
        let flight = shipment.flight
        switch result {
        case .success(let stored): landed(shipment, stored)
        case .failure(let error):
            switch error.remedy {
            case .retry: retryLater(flight, error)
            case .inspect: inspect(shipment, error)
            case .block where wasChanged(flight): retryLater(flight, error)
            case .block: refused(flight, error)
            }
        }
    }

    private func landed(_ shipment: Shipment, _ stored: Stored?) {
        let now = clock.now()
        let flight = shipment.flight
        let size = flight.want == .metadata ? nil : shipment.size
        let wasBlocked = withState { state in
            let wasBlocked = state.intents.intents[flight.address]?.blocked != nil
            let size = size ?? flight.inode.flatMap { state.inodes[$0]?.base?.size } ?? 0
            state.land(flight, stored: stored, size: size, now: now)
            return wasBlocked
        }
        if wasBlocked { events(.unblocked(path: flight.address.key.text)) }
        settle(flight.address)
    }

    /// Whoever waits for the key to be free goes on, and so does the pump.
    private func settle(_ address: ObjectAddress) {
        commitInBackground()
        finish(.landing(address), nil)
        pump()
    }

    private func wasChanged(_ flight: IntentTable.Flight) -> Bool {
        withState { state in
            guard let inode = flight.inode.flatMap({ state.inodes[$0] }) else { return false }
            return inode.generation != flight.generation
        }
    }

    /// First pause after a failure, and the longest. Source: writeback.md 4.10.
    private static let backOffMin = Duration.seconds(1)
    private static let backOffMax = Duration.seconds(60)

    private func retryLater(_ flight: IntentTable.Flight, _ error: ObjectStoreError) {
        let now = clock.now()
        var pause = Self.backOffMin * (1 << min(flight.tries, 6))
        if error.kind == .badDigest || error.kind == .bodyUnreadable {
            // Changed while it went up; the next close sends it again.
            pause = configuration.writebackDelay
        }
        pause = min(Self.backOffMax, pause) * (0.5 + Double(entropy.next() % 512) / 1024)
        withState { state in
            let isSuperseded =
                state.intents.intents[flight.address]?.revision != flight.revision
            state.retry(flight, at: isSuperseded ? now : now + pause)
            // nfs(5), soft: whoever waits is told; the change itself is kept and tried for ever.
            if !isSuperseded, error.kind != .badDigest, error.kind != .bodyUnreadable {
                for waiter in state.intents.takeImpatient(flight.address) {
                    state.actions.append { waiter.settle(FileSystemError(error)) }
                }
            }
        }
        settle(flight.address)
    }

    private func refused(_ flight: IntentTable.Flight, _ error: ObjectStoreError) {
        let now = clock.now()
        let wasBlocked = withState { state in
            let wasBlocked = state.intents.intents[flight.address]?.blocked != nil
            state.refuse(flight, error, retryAt: now + Self.backOffMax)
            if error.kind == .quotaExceeded { state.quotaFullUntil = now + Self.backOffMax }
            return wasBlocked
        }
        if !wasBlocked { events(.blocked(path: flight.address.key.text, error: error)) }
        settle(flight.address)
    }

    // MARK: Unknown outcomes and conflicts

    /// The server did not say whether it was done, or a precondition failed: look before anything else.
    private func inspect(_ shipment: Shipment, _ error: ObjectStoreError) {
        let flight = shipment.flight
        if error.kind == .unknownOutcome {
            let tag = shipment.digest.isEmpty ? nil : ETag(Self.hex(shipment.digest))
            withState { state in state.intents.noteUncertain(flight.address, tag: tag) }
        }
        store.head(flight.address) { [self] result in
            switch result {
            case .success(let head): inspected(shipment, head, error)
            case .failure(let failure) where failure.kind == .noSuchKey:
                switch flight.want {
                case .delete, .removeDirectory: landed(shipment, nil)
                case .metadata: refused(flight, failure)
                case .put, .makeDirectory:
                    // Deleted by somebody else, or never there: it is made anew.
                    withState { state in
                        if let record = state.intents.setBase(flight.address, nil) {
                            state.journal.append(.intent(record))
                        }
                    }
                    retryLater(flight, error)
                }
            case .failure(let failure): retryLater(flight, failure)
            }
        }
    }

    private func inspected(
        _ shipment: Shipment, _ head: ObjectHead, _ error: ObjectStoreError
    ) {
        let flight = shipment.flight
        let stored = Stored(etag: head.etag, lastModified: head.lastModified)
        switch flight.want {
        case .put:
            let isOurs =
                !shipment.digest.isEmpty && head.etag.text == Self.hex(shipment.digest)
                && head.size == shipment.size
            if isOurs, head.metadata.user == shipment.metadata.user {
                // The answer was lost.
                landed(shipment, stored)
            } else if isOurs || isOwn(head.etag, flight) {
                // Our bytes of an earlier request, or somebody's equal ones: with other attributes, or
                // changed here since.
                replace(flight, base: head.etag)
            } else if head.etag == flight.base {
                retryLater(flight, error)
            } else {
                conflict(shipment, head)
            }
        case .metadata:
            if head.etag != flight.base {
                conflict(shipment, head)
            } else if head.metadata.user == shipment.metadata.user {
                landed(shipment, stored)
            } else {
                retryLater(flight, error)
            }
        case .makeDirectory where head.metadata.user == shipment.metadata.user:
            landed(shipment, stored)
        case .makeDirectory:
            // An older marker: the change of its attributes did not get there.
            retryLater(flight, error)
        case .delete, .removeDirectory:
            retryLater(flight, error)
        }
    }

    /// An earlier request of this mount, whose outcome was not known, left this version.
    private func isOwn(_ tag: ETag, _ flight: IntentTable.Flight) -> Bool {
        withState { state in
            state.intents.intents[flight.address]?.perhapsStored.contains(tag) ?? false
        }
    }

    /// The version that is there may be replaced: it is sent again, on condition that it is still there.
    private func replace(_ flight: IntentTable.Flight, base: ETag) {
        let now = clock.now()
        withState { state in
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
        let isYielded = withState { state in state.yieldKey(flight, now: now) }
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
        case .local:
            withState { state in
                if let record = state.intents.setBase(flight.address, head.etag) {
                    state.journal.append(.intent(record))
                }
                state.retry(flight, at: now)
            }
            settle(flight.address)
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

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
