import HeapModule
package import RGWBase
import RGWObject
import RGWSpool

/// Looking at what waits, and hurrying it: for the commands, never on a file operation's way.
extension FileSystem {
    /// What is not in the bucket yet, the oldest first. `limit` bounds the answer, not the look.
    package func queue(limit: Int) -> [PendingChange] {
        let (now, time) = (clock.now(), clock.wallTime())
        let failures = failuresUnderWay()
        let all = withState { state in
            state.pendingChanges(now: now, time: time, failures) { _ in true }
        }
        return Array(all.sorted(by: Self.isOlder).prefix(limit))
    }

    /// `failuresMax` bounds how many of the blocked changes are named.
    package func overview(failuresMax: Int = 100) -> VolumeOverview {
        let (now, time) = (clock.now(), clock.wallTime())
        let failures = failuresUnderWay()
        var overview = withState { state in
            state.overview(now: now, time: time, failuresMax: failuresMax, failures)
        }
        overview.failures.sort(by: Self.isOlder)
        overview.sending.sort(by: Self.isOlder)
        return overview
    }

    /// What requests that are still tried have failed with. Read before the state's lock is taken: it has a lock
    /// of its own.
    private func failuresUnderWay() -> [ObjectAddress: ObjectStoreError] {
        let failing = withState { state in
            state.intents.flights.compactMapValues { $0.progress.failures > 0 ? $0.progress : nil }
        }
        return failing.compactMapValues(\.lastFailure)
    }

    private static func isOlder(_ a: PendingChange, _ b: PendingChange) -> Bool {
        (b.age, a.path) < (a.age, b.path)
    }

    /// Tries at once what waits to be tried again: everything, or the file at `path` and what is
    /// below it. Open files are left alone. Returns how many changes that are.
    package func retry(path: String?) -> Int {
        let now = clock.now()
        let count = withState { state in
            // Somebody wants to know: also whether the server still refuses the mount.
            state.pause.probeNow()
            return state.hurry(path, now: now)
        }
        pump()
        return count
    }

    /// Calls back when every change that was made before the call and is not of an open file is in
    /// the bucket, or failed for good (then with the error); power-safe before that.
    package func sync(then done: @escaping @Sendable (FileSystemError?) -> Void) {
        lanes.short.submit { [self] in
            awaitBarrier { [self] error in
                if let error { return done(FileSystemError(error)) }
                waitForAll(under: .everything, isPatient: true, then: done)
            }
        }
    }
}

extension VolumeState {
    /// The changes that `isWanted`, in no order.
    func pendingChanges(
        now: Instant, time: WallTime, _ failures: [ObjectAddress: ObjectStoreError] = [:],
        _ isWanted: (IntentTable.Intent) -> Bool
    ) -> [PendingChange] {
        var changes: [PendingChange] = []
        for (address, intent) in intents.intents where isWanted(intent) {
            changes.append(
                pendingChange(address, intent, now: now, time: time, failures[address]))
        }
        return changes
    }

    /// Everybody waits meanwhile, so it is read off the counts; only those that are named become texts, the oldest.
    func overview(
        now: Instant, time: WallTime, failuresMax: Int = 0,
        _ failures: [ObjectAddress: ObjectStoreError] = [:]
    ) -> VolumeOverview {
        var overview = VolumeOverview()
        overview.pending = intents.pendingCount
        overview.uploading = intents.underWayCount
        overview.pendingBytes = inodes.indexes.unsentBytes
        // While the server refuses the mount, nothing that could be sent goes.
        let isPaused = pause.reason != nil
        let tally = intents.intents.tally
        let shown = isPaused ? tally.paused : tally.shown
        overview.blocked = shown.failed
        overview.open = shown.open
        overview.retrying = shown.retrying
        overview.conflicts = tally.conflicts
        for address in intents.intents.failures(isPaused: isPaused, max: failuresMax) {
            guard var intent = intents.intents[address] else { continue }
            intent.blocked = intent.blocked ?? pause.reason
            overview.failures.append(pendingChange(address, intent, now: now, time: time))
        }
        overview.sending = changesUnderWay(
            now: now, time: time, max: failuresMax, failures)
        overview.oldest = intents.intents.oldest.map { $0.age(at: time) }
        overview.spoolFailure = spoolFailure.map { "\($0)" }
        overview.writesRefusedFor = rights.refusedSince(now).map { now - $0 }
        overview.settling = tally.settled
        overview.refused = refusals.count
        overview.refusals = refusals.latest.suffix(failuresMax).reversed().map { change in
            PendingChange(
                path: change.path, key: change.key, want: change.want, state: .refused,
                error: change.reason, age: change.time.age(at: time))
        }
        overview.refusedReads = unreadable.latest(failuresMax).map { refused in
            RefusedRead(
                path: pathText(refused.address), reason: refused.reason,
                age: refused.time.age(at: time))
        }
        overview.unreadable = unreadable.count + inodes.indexes.denied
        overview.hidden = inodes.indexes.hidden
        return overview
    }

    /// The oldest of them.
    private func changesUnderWay(
        now: Instant, time: WallTime, max: Int, _ failures: [ObjectAddress: ObjectStoreError]
    ) -> [PendingChange] {
        var named = Heap<Aged>()
        for (address, flight) in intents.flights where flight.isUnderWay {
            guard let intent = intents.intents[address] else { continue }
            named.insert(Aged(born: intent.record.born, address: address))
            if named.count > max { named.removeMax() }
        }
        return named.unordered.compactMap { aged in
            intents.intents[aged.address].map {
                pendingChange(aged.address, $0, now: now, time: time, failures[aged.address])
            }
        }
    }

    private struct Aged: Comparable {
        var born: WallTime
        var address: ObjectAddress
        static func < (a: Aged, b: Aged) -> Bool {
            (a.born, a.address.key) < (b.born, b.address.key)
        }
    }

    private func pendingChange(
        _ address: ObjectAddress, _ intent: IntentTable.Intent, now: Instant, time: WallTime,
        _ failure: ObjectStoreError? = nil
    ) -> PendingChange {
        let state = changeState(address, intent)
        let flight = intents.flights[address]
        return PendingChange(
            path: pathText(address), key: address.key.text, want: intent.record.want, state: state,
            tries: max(intent.tries, intent.failedRequests + (flight?.progress.failures ?? 0)),
            error: (failure ?? intent.blocked ?? intent.lastError)?.description,
            age: intent.record.born.age(at: time), bytes: bodyBytes(intent.record),
            next: state == .uploading || state == .open || intent.due < now
                ? nil : intent.due - now,
            sending: flight.flatMap { flight in
                flight.isUnderWay ? PendingChange.Sending(flight.progress, now: now) : nil
            })
    }

    private func changeState(
        _ address: ObjectAddress, _ intent: IntentTable.Intent
    ) -> PendingChange.State {
        // It stands while it is looked at, as every mount does first.
        if intent.isConflict { return .conflict }
        if intents.flights[address] != nil { return .uploading }
        if intent.blocked != nil { return .blocked }
        if intent.held { return .open }
        return intent.tries > 0 ? .retrying : .waiting
    }

    private func bodyBytes(_ record: IntentRecord) -> UInt64 {
        guard record.want == .put, let inode = record.inode else { return 0 }
        return inodes[inode]?.attributes.size ?? 0
    }

    /// Below the mount; the key itself where no path means it.
    func pathText(_ address: ObjectAddress) -> String {
        layout.path(of: address)?.names.map(\.text).joined(separator: "/") ?? address.key.text
    }

    mutating func hurry(_ path: String?, now: Instant) -> Int {
        let wanted = path.map { Array($0.utf8) }
        var count = 0
        for address in intents.intents.unheld {
            guard wanted.map({ Self.covers($0, Array(pathText(address).utf8)) }) ?? true else {
                continue
            }
            intents.expedite(address, now: now)
            count += 1
        }
        if path == nil { quotaFullUntil = nil }
        return count
    }

    /// `path` is `other` or a directory above it.
    private static func covers(_ path: [UInt8], _ other: [UInt8]) -> Bool {
        path.isEmpty || path == other || other.starts(with: path + [0x2F])
    }
}

extension IntentTable.Intent {
    /// It waits for the user to say which version is to stay.
    var isConflict: Bool { blocked?.kind == .preconditionFailed }
}

extension WallTime {
    /// Never negative, whatever was done to the clock.
    func age(at time: WallTime) -> Duration {
        let nanoseconds = Int64(time.nanoseconds) - Int64(nanoseconds)
        return max(.zero, .seconds(time.seconds - seconds) + .nanoseconds(nanoseconds))
    }
}

extension IntentTable.Flight {
    /// Its request is with the server, or on its way there: it is not only made ready.
    var isUnderWay: Bool { isSent || batch != nil }
}
