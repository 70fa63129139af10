import RGWBase
import RGWObject
import RGWSpool

/// O_EXCL with `sync`: who creates a file that is to be new has it in the bucket, empty, before open
/// returns. The upload is on condition that nothing is there, so of all clients one creates it, and the
/// others hear EEXIST. Without `sync` a file that somebody else creates meanwhile is a conflict like any other.
extension FileSystem {
    func createExclusively(
        _ parent: InodeNumber, _ name: EntryName, permissions: UInt32, _ flags: OpenFlags,
        _ caller: Caller, _ reply: consuming Reply<CreateAnswer>
    ) {
        let parked = reply.park()
        let made = Reply<InodeNumber>(interruption: parked.interruption) { [self] result in
            switch result {
            case .failure(let error): parked.fail(error)
            case .success(let inode): claim(inode, parent, name, flags, parked)
            }
        }
        perform(made, undoes: true) { state, moment throws(FileSystemError) in
            let attributes = FileAttributes(
                madeBy: caller, .regular, permissions: permissions, at: moment.time)
            let made = try state.make(parent, name, attributes, content: .remote, moment)
            guard case .done(let inode) = made else { return made.asNeed() }
            state.wantPut(inode, now: moment.now, time: moment.time, held: false)
            if let address = state.address(inode) { state.claims.insert(address) }
            return .done(inode)
        }
    }

    private func claim(
        _ inode: InodeNumber, _ parent: InodeNumber, _ name: EntryName, _ flags: OpenFlags,
        _ reply: ParkedReply<CreateAnswer>
    ) {
        let claimed = Reply<Void>(interruption: reply.interruption) { [self] result in
            if case .failure(let error) = result {
                withState { state in
                    state.giveUpClaim(inode, now: clock.now(), time: clock.wallTime())
                }
                commitInBackground()
                return reply.fail(error)
            }
            perform(Reply { reply.send($0) }) { state, moment throws(FileSystemError) in
                let found = try state.existing(parent, name, moment)
                guard case .done(let inode) = found else { return found.asNeed() }
                if state.inodes[inode]?.isDirectory == true { throw .exists }
                let entry = try state.entryAnswer(inode, now: moment.now)
                let open = try state.openFile(inode, flags)
                return .done(CreateAnswer(entry: entry, open: open))
            }
        }
        waitForBucket(inode, nil, claimed.park())
    }

    /// An object is at the key of `flight`'s file. True: the file was to be new, and so it is not.
    /// `isEqual`: it has the bytes and the times, to the nanosecond, that were sent. That makes it this
    /// mount's own when the outcome of a request is not known. `error`: why it was looked at.
    func losesClaim(
        _ flight: IntentTable.Flight, unless isEqual: Bool, _ error: ObjectStoreError?
    ) -> Bool {
        let now = clock.now()
        let isLost = withState { state in
            let isForeign =
                error?.kind == .preconditionFailed && !state.intents.isUncertain(flight.address)
            return isEqual && !isForeign ? false : state.loseClaim(flight, now: now)
        }
        if isLost { settle(flight.address) }
        return isLost
    }
}

extension VolumeState {
    /// The answer to who creates a file exclusively; false: the key is no claim, or others have begun to
    /// use the file, so that it is to be kept.
    fileprivate mutating func loseClaim(_ flight: IntentTable.Flight, now: Instant) -> Bool {
        guard claims.remove(flight.address) != nil else { return false }
        for waiter in intents.takeWaiters(flight.address) {
            actions.append { waiter.waiter.settle(.exists) }
        }
        guard let intent = intents.intents[flight.address], intent.revision == flight.revision,
            let inode = intent.record.inode, let known = inodes[inode], known.opens == 0,
            known.dataID == nil
        else { return false }
        retry(flight, at: now)
        dropIntent(flight.address)
        detach(inode)
        distrustParent(of: flight.address)
        return true
    }

    /// The creator hears an error. What may be in the bucket already stays, as one cannot tell whose it is.
    fileprivate mutating func giveUpClaim(_ inode: InodeNumber, now: Instant, time: WallTime) {
        guard let address = address(inode), claims.contains(address),
            intents.flights[address] == nil, !intents.isUncertain(address),
            inodes[inode]?.opens == 0
        else { return }
        claims.remove(address)
        removeFile(inode, now: now, time: time)
    }
}
