import RGWBase
import RGWObject
import RGWSpool

/// DeleteObjects: many deletions with one request, which knows no conditions.
///
/// Versions that the server has not been seen to have in the last seconds are looked at just before, with
/// the pages of LIST that hold them: a thousand keys cost two requests. What somebody else has written
/// since it was removed here is left out and looked at alone.
extension FileSystem {
    func deleteTogether(_ flights: [IntentTable.Flight]) {
        let unseen = flights.filter { $0.want == .delete && !$0.isConfirmed }
        if unseen.isEmpty { return noted(flights) }
        let audit = Audit(flights: flights, unseen: unseen)
        guard let audit else { return leave(flights, unseen.map { ($0, true) }) }
        list(audit, after: audit.start, page: 1, tags: [:])
    }

    /// A look at the tags of many keys.
    private struct Audit: Sendable {
        let flights: [IntentTable.Flight]
        let unseen: [IntentTable.Flight]
        let bucket: BucketName
        /// The directory that all are below; nil: the whole bucket.
        let prefix: ObjectKey?
        /// A key before the first; nil: from the beginning.
        let start: ObjectKey?
        let last: ObjectKey

        /// `unseen` is in the order of its keys.
        init?(flights: [IntentTable.Flight], unseen: [IntentTable.Flight]) {
            guard let first = unseen.first?.address, let last = unseen.last?.address.key else {
                return nil
            }
            self.flights = flights
            self.unseen = unseen
            bucket = first.bucket
            self.last = last
            let common = zip(first.key.bytes, last.bytes).prefix { $0 == $1 }.map(\.0)
            let length = common.lastIndex(of: 0x2F).map { $0 + 1 } ?? 0
            prefix = try? ObjectKey(Array(common[..<length]))
            // The key without its last character comes before it, and not much is between.
            var head = first.key.text
            head.unicodeScalars.removeLast()
            start = head.utf8.count > length ? try? ObjectKey(head) : nil
        }

        /// More pages than this would cost more than looking at each object.
        var pagesMax: Int { 2 + unseen.count / 100 }
    }

    private func list(
        _ audit: Audit, after: ObjectKey?, page: Int, tags: [ObjectKey: ETag]
    ) {
        store.list(
            audit.bucket, prefix: audit.prefix, delimited: false, after: after,
            limit: Self.pageNamesMax
        ) { [self] result in
            switch result {
            case .failure(let error): retryLater(audit.flights, error)
            case .success(let listed):
                var tags = tags
                for object in listed.objects { tags[object.key] = object.etag }
                guard let next = listed.next, next < audit.last else {
                    return looked(audit, tags, through: nil)
                }
                guard page < audit.pagesMax else { return looked(audit, tags, through: next) }
                list(audit, after: next, page: page + 1, tags: tags)
            }
        }
    }

    /// `through`: what comes after it was not looked at; nil: everything was.
    private func looked(_ audit: Audit, _ tags: [ObjectKey: ETag], through: ObjectKey?) {
        var left: [(IntentTable.Flight, Bool)] = []
        var absent: [IntentTable.Flight] = []
        for flight in audit.unseen {
            let key = flight.address.key
            if let through, through < key {
                left.append((flight, false))
            } else if let tag = tags[key] {
                if tag != flight.base { left.append((flight, true)) }
            } else {
                absent.append(flight)
            }
        }
        leave(audit.flights, left, absent: absent)
    }

    /// Sends what may go together; `left` goes alone: looked at first when it says so.
    private func leave(
        _ flights: [IntentTable.Flight], _ left: [(IntentTable.Flight, Bool)],
        absent: [IntentTable.Flight] = []
    ) {
        let now = clock.now()
        let others = Set(left.map(\.0.address)).union(absent.map(\.address))
        let together = flights.filter { !others.contains($0.address) }
        withState { state in
            for (flight, inspects) in left {
                state.retry(flight, at: now)
                state.intents.setAlone(flight.address, inspects: inspects)
            }
            for flight in absent { state.land(flight, stored: nil, size: 0, now: now) }
        }
        for address in others { finish(.landing(address), nil) }
        if together.isEmpty { return settle(flights) }
        noted(together)
    }

    /// As for every request: in the journal before it is sent.
    private func noted(_ flights: [IntentTable.Flight]) {
        let time = clock.wallTime()
        let ticket = withState { state in
            for flight in flights { state.noteFlight(flight, tag: nil, time: time) }
            return state.journal.enqueued
        }
        commit(ticket) { [self] error in
            guard let error else { return send(flights) }
            let unnoted = ObjectStoreError(
                .bodyUnreadable, operation: "DeleteObjects", message: "the journal: \(error)")
            lanes.short.submit { [self] in retryLater(flights, unnoted) }
        }
    }

    private func send(_ flights: [IntentTable.Flight]) {
        guard let first = flights.first else { return }
        first.progress.noteMoved(clock.now())
        failpoint(.starting(.delete))
        store(for: first).delete(flights.map(\.address.key), in: first.address.bucket) {
            [self] result in
            failpoint(.answered(.delete))
            switch result {
            case .success(let failures): ended(flights, failures)
            case .failure(let error):
                if error.kind == .notImplemented {
                    withState { state in state.intents.gathersDeletions = false }
                }
                retryLater(flights, error)
            }
        }
        failpoint(.sent(.delete))
    }

    // MARK: Ends

    private func ended(_ flights: [IntentTable.Flight], _ failures: [DeleteFailure]) {
        let now = clock.now()
        var failed: [ObjectKey: ObjectStoreError] = [:]
        for failure in failures where failure.error.kind != .noSuchKey {
            failed[failure.key] = failure.error
        }
        let resumes = withState { state in
            for flight in flights where failed[flight.address.key] == nil {
                state.land(flight, stored: nil, size: 0, now: now)
            }
            return flights.first.map {
                state.pause.ended($0.address, isAnswer: true, now: now)
            } ?? false
        }
        if resumes { events(.resumed) }
        settle(flights)
        for flight in flights {
            guard let error = failed[flight.address.key] else { continue }
            switch error.remedy {
            case .retry: retryLater(flight, error)
            case .inspect: retryLater([flight], error)
            case .block: refused(flight, error)
            }
        }
    }

    /// All of them again, or one by one where nobody knows what became of them.
    private func retryLater(_ flights: [IntentTable.Flight], _ error: ObjectStoreError) {
        let now = clock.now()
        let time = clock.wallTime()
        let dues = flights.map { dueAgain($0, now: now) }
        withState { state in
            for (flight, due) in zip(flights, dues) {
                if error.kind == .unknownOutcome {
                    state.noteUncertain(flight, tag: nil, now: now, time: time)
                    // The next look at many of them will tell.
                    state.intents.noteInspected(flight.address, now: now)
                    state.intents.noteUnconfirmed(flight.address)
                }
                state.putOff(flight, error, until: due, now: now)
            }
            // The request that was to find out whether the server serves this mount again.
            if let first = flights.first {
                _ = state.pause.ended(first.address, isAnswer: false, now: now)
            }
        }
        settle(flights)
    }

    private func settle(_ flights: [IntentTable.Flight]) {
        for flight in flights { finish(.landing(flight.address), nil) }
        if let last = flights.last { settle(last.address) }
    }
}
