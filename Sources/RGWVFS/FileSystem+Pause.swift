import RGWBase
import RGWObject
import RGWSpool

/// What concerns the whole mount: refused keys, a wrong clock, a bucket that is gone, a full quota.
extension FileSystem {
    /// True: the failure is the mount's; the change waits with all others, and nobody in vain.
    func pauses(_ flight: IntentTable.Flight, _ error: ObjectStoreError) -> Bool {
        let now = clock.now()
        guard error.isMountWide(allBuckets: layout.isAllBuckets) else {
            let isOver = withState { state in
                state.pause.ended(flight.address, isAnswer: error.isAnswer, now: now)
            }
            if isOver { events(.resumed) }
            return false
        }
        let isNew = withState { state in
            let isNew = state.pause.refuse(error, now: now)
            state.retry(flight, at: now)
            state.tellImpatient(FileSystemError(error))
            return isNew
        }
        if isNew { events(.paused(error)) }
        settle(flight.address)
        return true
    }

    /// The keys or the server are new: what waits is tried at once.
    package func resumeUploads() {
        let now = clock.now()
        withState { state in
            state.pause.probeNow()
            state.expediteBlocked(now) { _ in true }
        }
        pump()
    }
}

extension VolumeState {
    /// Whoever does not wait for failures to pass is told.
    mutating func tellImpatient(_ error: FileSystemError) {
        for address in intents.intents.waitedFor {
            if let inode = intents.intents[address]?.record.inode { fail(inode, error) }
            for waiter in intents.takeImpatient(address) {
                actions.append { waiter.settle(error) }
            }
        }
    }

    /// What had failed for good for a reason that may be gone now is due at once.
    mutating func expediteBlocked(_ now: Instant, _ isMeant: (ObjectStoreError) -> Bool) {
        for address in intents.intents.blocked {
            guard let error = intents.intents[address]?.blocked, isMeant(error) else { continue }
            intents.expedite(address, now: now)
        }
    }

    /// A change of the bucket that a full quota would have refused, or that frees some of it.
    mutating func noteQuota(_ flight: IntentTable.Flight, now: Instant) {
        guard quotaFullUntil != nil else { return }
        switch flight.want {
        case .put, .delete, .copy: break
        case .metadata, .makeDirectory, .removeDirectory: return
        }
        quotaFullUntil = nil
        expediteBlocked(now) { $0.kind == .quotaExceeded }
    }

    /// Until a change shows otherwise: what was refused is sent again every minute, and asks so.
    func isQuotaFull(_ now: Instant) -> Bool {
        guard let quotaFullUntil else { return false }
        return now < quotaFullUntil || intents.intents.tally.quotaRefused > 0
    }
}

extension VolumeState {
    /// The time to set a timer for so that the pump runs at `next`; nil: one is set already.
    mutating func planPump(_ next: Instant?, now: Instant) -> Instant? {
        guard let next, pumpAt.map({ next < $0 || $0 <= now }) ?? true else { return nil }
        pumpAt = next
        return next
    }
}
