import RGWBase
import RGWObject
import RGWSpool

/// `sync` and `dirsync`: a change of names (with `sync` also of attributes) is answered when the bucket has it,
/// as close is. Source: mount(8), `sync` and `dirsync`.
extension FileSystem {
    /// Which of the two options makes a change wait.
    enum StoredChange: Sendable {
        case names
        case attributes
    }

    /// The same reply; success waits for the requests for `keys` that are left to do then. What waits for a file
    /// to be closed is not waited for. `undo`: what an answer took that is not given after all.
    func stored<Value: Sendable>(
        _ change: StoredChange, _ reply: consuming Reply<Value>,
        undo: @escaping @Sendable (Value) -> Void = { _ in },
        keys: @escaping @Sendable (borrowing VolumeState) -> [ObjectAddress]
    ) -> Reply<Value> {
        let waits =
            configuration.guarantee == .synchronous
            || change == .names && configuration.namesAreSynchronous
        guard waits else { return reply }
        let parked = reply.park()
        return Reply(interruption: parked.interruption) { [self] result in
            guard case .success(let value) = result else { return parked.send(result) }
            wait(parked) { whenOver in
                waitFor(keys) { [self] error in
                    whenOver { [self] in
                        guard let error else { return parked.succeed(value) }
                        undo(value)
                        // The caller hears it here, and nobody else needs to.
                        tellRefusals()
                        parked.fail(error)
                    }
                }
            }
        }
    }

    /// The same for what takes a name from a file, which it answers. When that is refused the kernel still has the
    /// file under the name: it is told to look again.
    func stored(
        removal reply: consuming Reply<Void>,
        keys: @escaping @Sendable (borrowing VolumeState) -> [ObjectAddress]
    ) -> Reply<InodeNumber?> {
        let parked = reply.park()
        let removal = Reply<InodeNumber?>(interruption: parked.interruption) { result in
            parked.send(result.map { _ in })
        }
        return stored(
            .names, removal,
            undo: { [self] inode in
                if let inode { withState { state in state.isNotRemoved(inode) } }
            }, keys: keys)
    }

    /// Of an answer that names an inode.
    func forgetEntry(_ entry: EntryAnswer) { forget(entry.inode, count: 1) }

    private func waitFor(
        _ keys: @Sendable (borrowing VolumeState) -> [ObjectAddress],
        then done: @escaping @Sendable (FileSystemError?) -> Void
    ) {
        let now = clock.now()
        let isWaiting = withState { state in
            let wanted = Set(keys(state)).filter {
                state.intents.intents[$0].map { $0.settling == nil && !$0.held } ?? false
            }
            guard !wanted.isEmpty else { return false }
            let heldBack = state.intents.heldBack()
            let awaited = wanted.subtracting(heldBack)
            guard !awaited.isEmpty else { return false }
            let waiter = SyncWaiter(count: awaited.count, done: done)
            state.pause.probeNow()
            for key in awaited {
                state.intents.wait(key, waiter, isPatient: false)
                state.intents.expediteWay(key, now: now)
            }
            return true
        }
        if isWaiting { pump() } else { done(nil) }
    }
}

extension VolumeState {
    /// The keys that a name may have. `withTree`: also what is pending below it.
    func keys(
        of parent: InodeNumber, _ name: EntryName, withTree: Bool = false
    ) -> [ObjectAddress] {
        guard let both = try? addresses(parent, name) else { return [] }
        guard withTree else { return [both.file, both.marker] }
        return [both.file, both.marker]
            + intents.pendingKeys(under: KeyPrefix(marker: both.marker))
    }
}
