import RGWBase
package import RGWObject
package import RGWSpool

/// Which version of a file stays when somebody else changed it too.
package enum ConflictResolution: Sendable, CaseIterable {
    case local
    case remote
    case both
}

/// Why a conflict cannot be resolved, or what was done.
package enum ConflictOutcome: Sendable, Equatable {
    /// The local version replaces what is in the bucket now.
    case sending
    /// The local version is in the spool's `lost/`.
    case setAside
    /// The local version goes up under this name, beside the other.
    case renamed(String)
    /// Nothing waits at that path.
    case nothingThere
    /// What waits there is no conflict, or is being looked at just now.
    case noConflict
    /// Programs have the file open; its bytes cannot be taken from under them.
    case open
    case server(ObjectStoreError)
    case spool(SpoolError)
}

/// The user's word on conflicts that `conflict=hold` left alone.
extension FileSystem {
    /// `path` is below the mount.
    package func resolve(
        path: String, _ resolution: ConflictResolution,
        then done: @escaping @Sendable (ConflictOutcome) -> Void
    ) {
        let found = withState { state in state.conflict(at: path) }
        guard case .success(let address) = found else {
            if case .failure(let outcome) = found { done(outcome.outcome) }
            return
        }
        switch resolution {
        case .local: sendLocal(address, done)
        case .remote: setAside(address, done)
        case .both: sendBeside(address, done)
        }
    }

    /// The version in the bucket, seen now, is the one to replace; one that comes later is a conflict
    /// again.
    private func sendLocal(
        _ address: ObjectAddress, _ done: @escaping @Sendable (ConflictOutcome) -> Void
    ) {
        store.head(address) { [self] result in
            let tag: ETag?
            switch result {
            case .success(let head): tag = head.etag
            case .failure(let error) where error.kind == .noSuchKey: tag = nil
            case .failure(let error): return done(.server(error))
            }
            let now = clock.now()
            let isStill = withState { state in
                guard state.isConflict(address) else { return false }
                if let record = state.intents.setBase(address, tag) {
                    state.journal.append(.intent(record))
                }
                if let record = state.intents.setConflict(address, false) {
                    state.journal.append(.intent(record))
                }
                state.intents.unblock(address)
                state.intents.expedite(address, now: now)
                return true
            }
            commitInBackground()
            pump()
            done(isStill ? .sending : .noConflict)
        }
    }

    private func setAside(
        _ address: ObjectAddress, _ done: @escaping @Sendable (ConflictOutcome) -> Void
    ) {
        enum Step: Sendable {
            case stop(ConflictOutcome)
            case keep(DataID?, ticket: UInt64)
        }
        let note = "lost a conflict: \(address)"
        let ours = withState { state in state.dataInConflict(address) }
        // Before its row goes: after a crash between the two, recovery moves it.
        do throws(SpoolError) {
            if let ours { try spool.announceLost(ours, description: note) }
        } catch { return done(.spool(error)) }
        let step = withState { state -> Step in
            guard state.isConflict(address) else { return .stop(.noConflict) }
            if state.isOpen(address) || state.dataInConflict(address) != ours {
                return .stop(.open)
            }
            let data = state.yieldToRemote(address)
            return .keep(data, ticket: state.journal.enqueued)
        }
        guard case .keep(let data, let ticket) = step else {
            // Else its note would be taken for a file that was lost.
            do throws(SpoolError) {
                if let ours { try spool.withdrawLost(ours) }
            } catch { return done(.spool(error)) }
            if case .stop(let outcome) = step { done(outcome) }
            return
        }
        commit(ticket) { [self] error in
            if let error { return done(.spool(error)) }
            lanes.spool.submit { [self] in
                do throws(SpoolError) {
                    if let data {
                        try spool.moveToLost(data, description: note)
                    }
                    done(.setAside)
                } catch { done(.spool(error)) }
                pump()
            }
        }
    }

    private func sendBeside(
        _ address: ObjectAddress, _ done: @escaping @Sendable (ConflictOutcome) -> Void
    ) {
        let (now, time) = (clock.now(), clock.wallTime())
        let suffix = ".conflict-\(configuration.hostName)-\(UTCText.compact(time))"
        let name = withState { state -> EntryName? in
            guard state.isConflict(address), let intent = state.intents.intents[address] else {
                return nil
            }
            let flight = IntentTable.Flight(
                address: address, want: intent.record.want, inode: intent.record.inode,
                base: intent.record.base, source: intent.record.source, revision: intent.revision,
                generation: Generation(0), tries: intent.tries, inspects: false,
                progress: RequestProgress(started: now))
            if intent.record.want == .copy {
                let moment = Moment(now: now, since: now, time: time)
                return state.keepCopyBeside(flight, suffix: suffix, moment)
            }
            return state.keepBoth(flight, suffix: suffix, now: now, time: time)
        }
        commitInBackground()
        pump()
        guard let name else { return done(.noConflict) }
        events(.conflict(path: address.key.text, keptAs: name.text))
        done(.renamed(name.text))
    }
}

extension VolumeState {
    /// An outcome as an error, for `Result`.
    struct Refusal: Error {
        var outcome: ConflictOutcome
    }

    /// The key at a path, if it waits for the user's word.
    func conflict(at path: String) -> Result<ObjectAddress, Refusal> {
        let found = intents.intents.keys.first { pathText($0) == path && !path.isEmpty }
        guard let found else { return .failure(Refusal(outcome: .nothingThere)) }
        return isConflict(found) ? .success(found) : .failure(Refusal(outcome: .noConflict))
    }

    func isConflict(_ address: ObjectAddress) -> Bool {
        intents.flights[address] == nil && intents.intents[address]?.isConflict == true
    }

    func isOpen(_ address: ObjectAddress) -> Bool {
        intents.intents[address]?.record.inode.flatMap { inodes[$0] }.map { $0.opens > 0 } ?? false
    }

    /// The data file from which `yieldToRemote` would take the name.
    func dataInConflict(_ address: ObjectAddress) -> DataID? {
        guard isConflict(address), !isOpen(address),
            let record = intents.intents[address]?.record, record.want != .copy
        else { return nil }
        return record.inode.flatMap { inodes[$0]?.dataID }
    }

    /// The bucket's version takes the place of the local one. Returns the data file, which no row
    /// names any more.
    mutating func yieldToRemote(_ address: ObjectAddress) -> DataID? {
        if intents.intents[address]?.record.want == .copy {
            // A rename whose new name somebody else took: the file has its old name again.
            revertCopy(address)
            return nil
        }
        guard let inode = intents.intents[address]?.record.inode else { return nil }
        for waiter in intents.takeWaiters(address) {
            actions.append { waiter.waiter.settle(.stale) }
        }
        dropIntent(address)
        let data = inodes[inode]?.dataID
        inodes[inode]?.content = .remote
        endReplacing(inode)
        inodes[inode]?.unflushed = false
        inodes[inode]?.distrust()
        inodes[inode]?.attributesKnown = false
        // The kernel's pages are of the local version.
        inodes[inode]?.foreignVersion += 1
        inodes[inode]?.symlinkTarget = nil
        noteAttributes(inode)
        distrustParent(of: address)
        evict(inode)
        return data
    }
}
