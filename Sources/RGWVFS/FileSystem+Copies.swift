import RGWBase
import RGWObject
import RGWSpool

/// Copies that cannot be, as the server sees it.
extension FileSystem {
    /// The copy is kept, and tried again rarely.
    func blockCopy(_ flight: IntentTable.Flight, _ error: ObjectStoreError) {
        let now = clock.now()
        let wasBlocked = withState { state in
            let wasBlocked = state.intents.intents[flight.address]?.blocked != nil
            state.retry(flight, at: now + Self.backOffMax, blocked: error)
            for waiter in state.intents.takeWaiters(flight.address) {
                state.actions.append { waiter.waiter.settle(FileSystemError(error)) }
            }
            return wasBlocked
        }
        if !wasBlocked { events(.blocked(path: flight.address.key.text, error: error)) }
        settle(flight.address)
    }

    /// The server cannot copy this object; or the rename cannot be taken back, because its old name has a
    /// new file by now.
    func needsUpload(_ flight: IntentTable.Flight, _ error: ObjectStoreError) -> Bool {
        switch error.kind {
        case .tooLarge, .invalidRequest, .notImplemented: return true
        case .noSuchKey: return false
        default:
            return withState { state in
                guard let source = state.intents.copySource(flight.address) else { return false }
                return state.intents.intents[source]?.record.want != .delete
            }
        }
    }

    /// The bytes are brought into the spool and go up from there.
    func uploadInstead(_ flight: IntentTable.Flight, _ error: ObjectStoreError) {
        let time = clock.wallTime()
        let inode = withState { state in state.inodeOfCopy(flight.address, time: time) }
        blockCopy(flight, error)
        guard let inode, let length = flight.source?.version.size else { return }
        fetch(.hydrate(inode, length: length)) { [self] error in
            guard error == nil else { return }
            let (now, time) = (clock.now(), clock.wallTime())
            withState { state in
                guard state.address(inode) == flight.address, state.inodes[inode]?.dataID != nil,
                    state.intents.copySource(flight.address) != nil
                else { return }
                state.wantPut(inode, now: now, time: time, held: false)
            }
            commitInBackground()
            pump()
        }
    }
}
