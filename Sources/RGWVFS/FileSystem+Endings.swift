import RGWBase
import RGWObject
import RGWSpool

/// How a request ends that did not do what it was sent for. Each of these has an end or a pause that grows, and
/// whoever waits is told:
///
/// - once more at once, when a look at the object showed why it was refused; never twice in a row
/// - later, with a pause that doubles up to a minute
/// - by other means, where the server cannot do it so (`FileSystem+Instead`)
/// - not by itself any more: the change is kept and tried once a minute (`block`), or it is taken back and told
///   (`VolumeState.refuse`)
extension FileSystem {
    /// First pause after a failure, and the longest. Source: writeback.md 4.10.
    private static let backOffMin = Duration.seconds(1)
    static let backOffMax = Duration.seconds(60)

    /// After how many attempts a refusal that nothing explains is a state and no accident.
    private static let unexplainedMax = 2

    func retryLater(_ flight: IntentTable.Flight, _ error: ObjectStoreError) {
        let now = clock.now()
        let due = dueAgain(flight, now: now)
        withState { state in state.putOff(flight, error, until: due, now: now) }
        settle(flight.address)
    }

    /// The bytes are not those of the close that ended: nothing of them is to be an object. The next close
    /// sends it again, and whoever waits does so for that.
    func changedMeanwhile(_ shipment: Shipment) {
        let now = clock.now()
        let flight = shipment.flight
        let jitter = jitter()
        withState { state in
            let due = now + state.configuration.writebackDelay * jitter
            let intent = state.intents.intents[flight.address]
            let isSuperseded = intent?.revision != flight.revision
            state.retry(flight, at: isSuperseded ? max(now, intent?.due ?? now) : due)
        }
        settle(flight.address)
    }

    func dueAgain(_ flight: IntentTable.Flight, now: Instant) -> Instant {
        let pause = Self.backOffMin * (1 << min(max(0, flight.tries), 6))
        return now + min(Self.backOffMax, pause) * jitter()
    }

    private func jitter() -> Double { 0.5 + Double(entropy.next() % 512) / 1024 }

    /// What a look at the object has shown makes another attempt sensible: at once, but not twice before
    /// something has succeeded. `error`: what the last attempt failed with; nil: it was not sent.
    func repeatOnce(_ flight: IntentTable.Flight, _ error: ObjectStoreError?) {
        let now = clock.now()
        let isFirst = withState { state in
            guard state.intents.mayRepeat(flight.address) else { return false }
            state.retry(flight, at: now)
            return true
        }
        if isFirst { return settle(flight.address) }
        let unexplained = ObjectStoreError(
            .contradictory, operation: "\(flight.want) \(flight.address)",
            message: "the object is another one at each look")
        retryLater(flight, error ?? unexplained)
    }

    /// The server refuses what the object, looked at since, does not explain.
    func unexplained(_ shipment: Shipment, _ error: ObjectStoreError) {
        let flight = shipment.flight
        if error.kind == .unknownOutcome { return retryLater(flight, error) }
        if goesInstead(shipment, orElse: error) { return }
        var contradiction = error
        contradiction.kind = .contradictory
        contradiction.message =
            "the server refuses it (\(error.kind)), but shows the object as it was required to be"
        guard flight.tries >= Self.unexplainedMax else {
            return retryLater(flight, contradiction)
        }
        block(flight, contradiction)
    }

    /// Failed for good as far as one can tell: the change is kept, and tried once a minute.
    func block(_ flight: IntentTable.Flight, _ error: ObjectStoreError) {
        let now = clock.now()
        let isNew = withState { state in
            let wasBlocked = state.intents.intents[flight.address]?.blocked != nil
            state.block(flight, error, until: now + Self.backOffMax, now: now)
            return !wasBlocked && state.intents.intents[flight.address]?.blocked != nil
        }
        if isNew { events(.blocked(path: flight.address.key.text, error: error)) }
        settle(flight.address)
    }

    /// Failed for good: kept, or taken back and told.
    func refused(_ flight: IntentTable.Flight, _ error: ObjectStoreError) {
        let moment = moment()
        let isNew = withState { state in
            let wasBlocked = state.intents.intents[flight.address]?.blocked != nil
            state.refuse(flight, error, retryAt: moment.now + Self.backOffMax, moment)
            if error.kind == .accessDenied, flight.want == .put || flight.want == .makeDirectory {
                state.rights.refuse(flight.address, now: moment.now)
            }
            if error.kind == .quotaExceeded { state.quotaFullUntil = moment.now + Self.backOffMax }
            return !wasBlocked && state.intents.intents[flight.address]?.blocked != nil
        }
        if isNew { events(.blocked(path: flight.address.key.text, error: error)) }
        settle(flight.address)
    }

    /// Tells of changes that were taken back since the last call.
    func tellRefusals() {
        let news = withState { state in state.refusals.takeNews() }
        for change in news {
            events(.takenBack(path: change.path, want: change.want, reason: change.reason))
        }
    }
}

extension ObjectStoreError {
    /// It ended one attempt: the client repeats by itself only what has certainly not been done, and the object
    /// has been looked at since. Every other failure is the last of as many attempts as `retrans` allows.
    fileprivate var isOfOneAttempt: Bool {
        switch kind {
        case .unknownOutcome, .preconditionFailed, .contradictory, .noSuchKey: true
        default: false
        }
    }
}

extension VolumeState {
    /// Tried again at `due`, unless something newer is to be done with the key: that goes when it is due, and at
    /// once only where nothing has failed before. Those who do not wait for failures to pass are told, when all
    /// attempts have failed.
    mutating func putOff(
        _ flight: IntentTable.Flight, _ error: ObjectStoreError, until due: Instant, now: Instant
    ) {
        let intent = intents.intents[flight.address]
        guard intent?.revision == flight.revision else {
            let next = max(now, intent?.due ?? now)
            return retry(flight, at: (intent?.tries ?? 0) > 0 ? max(next, due) : next)
        }
        retry(flight, at: due)
        intents.noteFailure(flight.address, error)
        if error.isOfOneAttempt, configuration.retriesMax.map({ flight.tries < $0 }) ?? true {
            return
        }
        for waiter in intents.takeImpatient(flight.address) {
            actions.append { waiter.settle(FileSystemError(error)) }
        }
    }

    /// Kept, and reported to everybody who has the file open or waits.
    mutating func block(
        _ flight: IntentTable.Flight, _ error: ObjectStoreError, until due: Instant, now: Instant
    ) {
        guard intents.intents[flight.address]?.revision == flight.revision else {
            return putOff(flight, error, until: due, now: now)
        }
        let shown = FileSystemError(error)
        retry(flight, at: due, blocked: error)
        if error.kind == .preconditionFailed,
            let record = intents.setConflict(flight.address, true)
        {
            journal.append(.intent(record))
        }
        intents.noteFailure(flight.address, error)
        if let inode = flight.inode { fail(inode, shown) }
        for waiter in intents.takeWaiters(flight.address) {
            actions.append { waiter.waiter.settle(shown) }
        }
    }
}
