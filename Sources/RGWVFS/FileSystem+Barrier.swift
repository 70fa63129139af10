import RGWBase
import RGWSpool

/// Power-safety: everything older than `commit` (1 s) reaches the spool's disk.
extension FileSystem {
    /// How old a change may get before it is power-safe. Source: DESIGN P2, ext4's commit=.
    private static let barrierDelay = Duration.seconds(1)

    /// Makes sure that a barrier comes within a second when there is something to protect.
    func scheduleBarrier() {
        let needed = withState { state in
            guard state.needsBarrier, !state.barrierScheduled else { return false }
            state.barrierScheduled = true
            return true
        }
        guard needed else { return }
        timer.schedule(at: clock.now() + Self.barrierDelay) { [self] in
            workers.submit { [self] in runBarrier() }
        }
    }

    private func runBarrier() {
        withState { state in
            state.barrierScheduled = false
            state.needsBarrier = false
        }
        if let error = barrier() {
            withState { state in state.needsBarrier = true }
            events(.spoolFailed(.init(detail: "syncing the spool: \(error)")))
        }
    }

    /// Data first, then the records that name it. Blocks; not to be called on a reply's path without need.
    /// `fsynced`: sealed also when somebody goes on writing to it.
    func barrier(fsynced: InodeNumber? = nil) -> SpoolError? {
        let unsealed = withState { state in state.unsealed(fsynced: fsynced) }
        do throws(SpoolError) {
            try spool.syncAll()
            failpoint(.dataSynced)
            withState { state in state.seal(unsealed) }
            commitInBackground()
            try journalStore.commit([], durability: .power)
            failpoint(.sealed)
            return nil
        } catch { return error }
    }
}

extension VolumeState {
    /// Files that wait to be uploaded and whose bytes may not be on the spool's disk. Not those that no
    /// close or fsync has confirmed: an empty file that was just created would count as complete.
    func unsealed(fsynced: InodeNumber?) -> [(InodeNumber, Generation)] {
        intents.intents.values.compactMap { intent in
            guard intent.record.want == .put, let number = intent.record.inode,
                let inode = inodes[number], inode.dataID != nil, inode.sealed != inode.generation,
                !inode.unflushed || number == fsynced
            else { return nil }
            return (number, inode.generation)
        }
    }

    /// The bytes of these generations are on the disk now.
    mutating func seal(_ files: [(InodeNumber, Generation)]) {
        for (number, generation) in files {
            guard let address = address(number), inodes[number]?.dataID != nil,
                intents.intents[address]?.record.inode == number
            else { continue }
            inodes[number]?.sealed = generation
            saveNode(number)
        }
    }
}
