import RGWBase
import RGWObject
import RGWSpool

/// The write-back pump: starts what is due, hears how it ended, decides what comes next.
extension FileSystem {
    /// Everything a request needs, taken under the lock when it starts.
    struct Shipment: Sendable {
        var flight: IntentTable.Flight
        var file: (any SpoolFile)?
        var size: UInt64
        var metadata: ObjectMetadata
        /// The file is being written: a copy of it goes up.
        var needsCopy = false
        /// It does with GET and PUT what the server cannot do with COPY.
        var isInstead = false
        /// What the object's ETag will be if it is a single PUT, once known.
        var digest: [UInt8] = []
        /// The same of an upload in parts.
        var wholeTag: ETag?

        /// The tag that the key has if the request takes effect; nil: no object.
        var tag: ETag? {
            switch flight.want {
            case .put, .makeDirectory:
                digest.isEmpty ? wholeTag : ETag(Hexadecimal.text(digest))
            case .metadata: flight.base
            case .copy: flight.source?.version.etag
            case .delete, .removeDirectory: nil
            }
        }
    }

    private enum Pick: Sendable {
        case ship(Shipment)
        case send(Shipment)
        /// The mount is refused: what was ready waits with all others.
        case recall(ObjectAddress)
        case delete([IntentTable.Flight])
        case chore(UploadChore)
        case again(Instant?)
    }

    /// Starts everything that is due, and sets the timer for what is due later. True: something was made
    /// ready, which will commit the journal.
    @discardableResult
    func pump() -> Bool {
        var small: [Shipment] = []
        var hasStarted = false
        while true {
            let now = clock.now()
            let isTaking = hasStarted
            let pick = withState { state in self.pick(&state, isTaking: isTaking, now: now) }
            switch pick {
            case .ship(let shipment):
                hasStarted = true
                if shipment.size <= Self.smallBytesMax {
                    small.append(shipment)
                } else {
                    lanes.long.submit { [self] in prepare([shipment]) }
                }
            case .send(let shipment) where digestsWhenSent(shipment):
                lanes.long.submit { [self] in send(shipment) }
            case .send(let shipment): send(shipment)
            case .recall(let address): finish(.landing(address), nil)
            case .delete(let flights):
                hasStarted = true
                lanes.short.submit { [self] in deleteTogether(flights) }
            case .chore(let chore): run(chore)
            case .again(let next):
                if let next { timer.schedule(at: next) { [self] in timerFired(next) } }
                if !small.isEmpty { lanes.spool.submit { [self, small] in prepare(small) } }
                return hasStarted
            }
        }
    }

    /// Files of up to this many bytes are made ready together: more would keep the others waiting.
    static let smallBytesMax: UInt64 = 64 << 10

    private func pick(_ state: inout VolumeState, isTaking: Bool, now: Instant) -> Pick {
        // Nearly always: every operation asks.
        if state.pumpAt.map({ now < $0 && !state.hasDue(before: $0) }) ?? false {
            return .again(nil)
        }
        let settled = state.expire(now: now)
        if let chore = state.uploadChore(now: now) { return .chore(chore) }
        if let first = state.outbox.first?.flight.address {
            guard state.pause.lets(first) else {
                if let flight = state.outbox.next()?.flight { state.retry(flight, at: now) }
                return .recall(first)
            }
            if state.intents.underWayCount < state.uploadsMax(now),
                let shipment = state.outbox.next()
            {
                state.intents.noteSent(first)
                shipment.flight.progress.noteMoved(now)
                return .send(shipment)
            }
        }
        guard
            state.intents.takesMore(uploadsMax: state.uploadsMax(now), isTaking: isTaking)
        else { return .again(nil) }
        let flights = state.intents.flights
        if case .closed(let until) = state.pause.gate(now, { flights[$0] != nil }) {
            return .again(state.planPump(until, now: now))
        }
        if let pick = Self.deletions(&state, now: now).0 { return pick }
        let (flight, due) = state.intents.take(now: now)
        if let flight {
            state.pause.started(flight.address)
            return .ship(Self.shipment(&state, flight))
        }
        let (pick, gathered) = Self.deletions(&state, now: now)
        if let pick { return pick }
        let next = [due, gathered, settled].compactMap(\.self).min()
        return .again(state.planPump(next, now: now))
    }

    private static func deletions(
        _ state: inout VolumeState, now: Instant
    ) -> (Pick?, next: Instant?) {
        let (flights, next) = state.intents.takeDeletions(now: now)
        switch flights.count {
        case 0: return (nil, next)
        case 1:
            state.pause.started(flights[0].address)
            return (.ship(shipment(&state, flights[0])), next)
        default:
            state.pause.started(flights[0].address)
            return (.delete(flights), next)
        }
    }

    private func timerFired(_ at: Instant) {
        withState { state in if state.pumpAt == at { state.pumpAt = nil } }
        if !pump() { commitInBackground() }
    }

    static func shipment(
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
            metadata: metadata, needsCopy: inode?.needsCopy(flight) ?? false)
    }

    // MARK: Sending

    /// With signed payloads a digest of the whole body is made when it is sent: not by a thread for which others wait.
    private func digestsWhenSent(_ shipment: Shipment) -> Bool {
        store.digestsBodies && shipment.size > Self.smallBytesMax
    }

    private func send(_ shipment: Shipment) {
        let flight = shipment.flight
        // Since it was made ready.
        let (isChanged, looksFirst, isInParts) = withState { state in
            (
                flight.want == .put && state.isChanging(flight), state.looksFirst(flight),
                state.goesInParts(shipment.size)
            )
        }
        if isChanged { return changedMeanwhile(shipment) }
        if looksFirst { return look(shipment) { [self] in send($0) } }
        failpoint(.starting(flight.want))
        switch flight.want {
        case .put: sendFile(shipment, isInParts: isInParts)
        case .metadata:
            store(for: flight).copy(
                from: flight.address, to: flight.address, metadata: shipment.metadata,
                sourceMatching: flight.base
            ) { [self] in ended(shipment, $0.map { Optional($0) }) }
        case .delete:
            // Conditional where the server can: it may take effect late, on another client's version.
            store(for: flight).delete(
                flight.address, matching: flight.base, isConfirmed: flight.isConfirmed
            ) { [self] in ended(shipment, $0.map { _ in nil }) }
        case .removeDirectory:
            store(for: flight).delete(flight.address) { [self] in ended(shipment, $0.map { nil }) }
        case .copy: sendCopy(shipment)
        case .makeDirectory: sendMarker(shipment)
        }
        failpoint(.sent(flight.want))
    }

    /// Tells the flight's progress how its requests get on.
    func store(for flight: IntentTable.Flight) -> any ObjectStore {
        store.watched(by: flight.progress)
    }

    /// The MD5 of nothing. Source: RFC 1321, A.5.
    static let emptyDigest: [UInt8] = [
        0xD4, 0x1D, 0x8C, 0xD9, 0x8F, 0x00, 0xB2, 0x04, 0xE9, 0x80, 0x09, 0x98, 0xEC, 0xF8, 0x42,
        0x7E,
    ]

    private func sendFile(_ shipment: Shipment, isInParts: Bool) {
        let flight = shipment.flight
        if isInParts {
            var whole = shipment
            // The tag of an upload in parts is another one.
            whole.digest = []
            return sendParts(whole)
        }
        let precondition: Precondition = flight.base.map { .matches($0) } ?? .absent
        var body = ObjectBody.bytes([])
        if let file = shipment.file, shipment.size > 0 {
            body = .file(file, offset: 0, length: shipment.size)
        }
        store(for: flight).put(
            flight.address, body: body, md5: shipment.digest, metadata: shipment.metadata,
            precondition: precondition
        ) { [self] in ended(shipment, $0.map { Optional($0) }) }
    }

    // MARK: Ends

    func ended(_ shipment: Shipment, _ result: Result<Stored?, ObjectStoreError>) {
        let flight = shipment.flight
        failpoint(.answered(flight.want))
        switch result {
        case .success(let stored): landed(shipment, stored)
        case .failure(let error) where pauses(flight, error): return
        case .failure(let error):
            let isChanged = wasChanged(flight)
            if error.kind == .tooLarge, flight.want == .put,
                sendsSmaller(flight, after: shipment.size)
            {
                return
            }
            if isChanged, error.kind == .badDigest { return changedMeanwhile(shipment) }
            switch error.remedy {
            case .retry: retryLater(flight, error)
            case .inspect: inspect(shipment, error)
            case .block where isChanged: retryLater(flight, error)
            case .block: if !goesInstead(shipment, orElse: error) { refused(flight, error) }
            }
        }
    }

    func landed(_ shipment: Shipment, _ stored: Stored?) {
        let now = clock.now()
        let flight = shipment.flight
        let size: UInt64? =
            switch flight.want {
            case .metadata: nil
            case .makeDirectory: shipment.wholeTag == nil ? 0 : nil
            case .copy: flight.source?.version.size
            case .put, .delete, .removeDirectory: shipment.size
            }
        var resumes = false
        let wasBlocked = withState { state in
            let wasBlocked = state.intents.intents[flight.address]?.blocked != nil
            resumes = state.pause.ended(flight.address, isAnswer: true, now: now)
            let size = size ?? flight.inode.flatMap { state.inodes[$0]?.base?.size } ?? 0
            state.land(flight, stored: stored, size: size, now: now)
            return wasBlocked
        }
        if resumes { events(.resumed) }
        if wasBlocked { events(.unblocked(path: flight.address.key.text)) }
        settle(flight.address)
    }

    /// Whoever waits for the key to be free goes on, and so does the pump. What is made ready next takes the
    /// journal's rows of what ended along; when nothing follows for a while, they go by themselves.
    func settle(_ address: ObjectAddress) {
        var hasRefusals = false
        finish(.landing(address), nil) { state in hasRefusals = state.refusals.hasNews }
        settleBelow()
        if hasRefusals { tellRefusals() }
        if pump() { return }
        let now = clock.now()
        let (isLast, at) = withState { state in
            state.intents.flights.isEmpty
                ? (true, nil) : (false, state.planPump(now + Self.landedDelayMax, now: now))
        }
        if isLast { return commitInBackground() }
        if let at { timer.schedule(at: at) { [self] in timerFired(at) } }
    }

    /// How long the journal goes without what ended. Until then a crash costs a look at the object.
    private static let landedDelayMax = Duration.milliseconds(100)

    private func settleBelow() {
        let quiet: [Need] = withState { state in
            state.fetches.keys.filter { need in
                guard case .landings(let prefix) = need else { return false }
                return !state.intents.flights.keys.contains(where: prefix.contains)
            }
        }
        for need in quiet { finish(need, nil) }
    }

    func wasChanged(_ flight: IntentTable.Flight) -> Bool {
        withState { state in state.isChanging(flight) }
    }
}
