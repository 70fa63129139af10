import RGWBase
import RGWObject
import RGWSpool

/// Power-safety: everything older than `commit` reaches the spool's disk. One barrier serves all who wait.
extension FileSystem {
    /// Makes sure that a barrier comes in time when there is something to protect.
    func scheduleBarrier() {
        let now = clock.now()
        let at = withState { state in
            state.barrier.schedule(now, interval: configuration.commitInterval)
        }
        guard let at else { return }
        timer.schedule(at: at) { [self] in
            let isDue = withState { state in state.barrier.isDue(at) }
            if isDue { lanes.short.submit { [self] in awaitBarrier { _ in } } }
        }
    }

    /// Calls back when everything done before the call survives a power cut. Blocks while it is this
    /// thread's turn. `fsynced`: a file that is complete as it is now, also when somebody goes on writing.
    func awaitBarrier(
        fsynced: InodeNumber? = nil, _ done: @escaping @Sendable (SpoolError?) -> Void
    ) {
        let starts = withState { state in state.barrier.join(done, fsynced: fsynced) }
        if starts { runBarrier() }
    }

    /// Data first, then the records that name it.
    private func runBarrier() {
        let (waiters, unsealed, removable) = withState { state in
            let (waiters, fsynced) = state.barrier.begin()
            return (waiters, state.unsealed(fsynced), state.discardedSealed)
        }
        if let error = sync(unsealed.map(\.file)) {
            // A full disk too: what it had no room for is as lost as what it could not write.
            breakSpool(error, "syncing the spool")
            // The next mount is to know it before anybody here does, as far as this disk goes.
            let ticket = withState { state in
                state.markBroken(unsealed)
                return state.journal.enqueued
            }
            return commit(ticket) { [self] _ in endBarrier(waiters, error) }
        }
        failpoint(.dataSynced)
        let ticket = withState { state in
            state.seal(unsealed)
            return state.journal.enqueued
        }
        commit(ticket) { [self] error in
            let failure = error ?? makePowerSafe()
            failpoint(.sealed)
            if failure == nil {
                removeTaken(withState { state in state.takeSealed(removable) })
            }
            endBarrier(waiters, failure)
        }
    }

    private func endBarrier(
        _ waiters: [@Sendable (SpoolError?) -> Void], _ error: SpoolError?
    ) {
        for done in waiters { done(error) }
        let again = withState { state in state.barrier.end(succeeded: error == nil) }
        if again { lanes.short.submit { [self] in runBarrier() } }
        // Not by itself: a disk that fails is not asked every second.
        if error == nil { scheduleBarrier() }
    }

    /// From how many files on one syncfs is cheaper than an fdatasync each. Source: writeback.md 4.5.
    private static let groupSize = 32

    func sync(_ files: [any SpoolFile]) -> SpoolError? {
        do throws(SpoolError) {
            if files.count >= Self.groupSize {
                try spool.syncAll()
            } else {
                for file in files { try file.sync() }
            }
            return nil
        } catch {
            // No descriptor to sync a directory with: the whole filesystem needs none.
            return error == .tooManyFiles ? syncAll() : error
        }
    }

    private func syncAll() -> SpoolError? {
        do throws(SpoolError) {
            try spool.syncAll()
            return nil
        } catch { return error }
    }

    private func makePowerSafe() -> SpoolError? {
        let failure = withReserve { () throws(SpoolError) in
            try journalStore.commit([], durability: .power)
        }
        if let failure { noteSpoolFailure(failure, "syncing the journal") }
        return failure
    }
}

/// A file whose bytes may not be on the disk.
struct UnsealedFile: Sendable {
    var inode: InodeNumber
    var generation: Generation
    var data: DataID
    var file: any SpoolFile
    /// The bytes are a version that some close or fsync ended, or continue one that is on the disk.
    var isComplete: Bool
}

extension VolumeState {
    /// Files that wait to be uploaded and whose bytes may not be on the spool's disk. What the bucket has
    /// confirmed needs no sync.
    func unsealed(_ fsynced: Set<InodeNumber>) -> [UnsealedFile] {
        var files: [UnsealedFile] = []
        for number in inodes.indexes.unsealed {
            if let replaced = replacedUnsealed(number) { files.append(replaced) }
            if let current = currentUnsealed(number, fsynced) { files.append(current) }
        }
        return files
    }

    /// The version that unconfirmed bytes replace.
    private func replacedUnsealed(_ number: InodeNumber) -> UnsealedFile? {
        guard let replaced = inodes.look(number, { $0.replaced }),
            replaced.record.sealed != replaced.record.generation, !replaced.record.isBroken
        else { return nil }
        return UnsealedFile(
            inode: number, generation: replaced.record.generation, data: replaced.record.data,
            file: replaced.file, isComplete: true)
    }

    private func currentUnsealed(
        _ number: InodeNumber, _ fsynced: Set<InodeNumber>
    ) -> UnsealedFile? {
        // A second sync succeeds although the first one's bytes are lost: see markBroken.
        guard inodes.look(number, { $0.sealed != $0.generation && !$0.isBroken }) == true,
            let inode = inodes[number], case .spool(let data, let file) = inode.content
        else { return nil }
        // An empty file that was just created would count as complete otherwise. With commit=0 every
        // answer is a promise.
        let isComplete =
            !inode.unflushed || inode.sealed != nil || fsynced.contains(number)
            || configuration.commitInterval == .zero
        return UnsealedFile(
            inode: number, generation: inode.generation, data: data, file: file,
            isComplete: isComplete)
    }

    /// The bytes of these generations are on the disk now.
    mutating func seal(_ files: [UnsealedFile]) {
        for file in files where file.isComplete {
            guard let address = address(file.inode),
                intents.intents[address]?.record.inode == file.inode
            else { continue }
            noteSealed(file.inode, file.data, at: file.generation)
        }
    }

    /// Of data files whose rows are gone for good, those that nothing has claimed back since.
    mutating func takeSealed(_ files: [DataID]) -> [DataID] {
        let meant = Set(files)
        let taken = discardedSealed.filter { meant.contains($0) }
        discardedSealed.removeAll { meant.contains($0) }
        removing += taken.count
        return taken
    }

    /// The disk did not take these bytes: whatever is tried later, they are not reported as safe until they
    /// are written anew from the start.
    /// Source: the kernel marks pages clean after a failed write-back (fsync(2), ERRORS).
    mutating func markBroken(_ files: [UnsealedFile]) {
        for file in files { markBroken(file.inode, file.data) }
    }

    mutating func markBroken(_ number: InodeNumber, _ data: DataID) {
        switch data {
        case inodes[number]?.dataID: inodes[number]?.isBroken = true
        case inodes[number]?.replaced?.record.data:
            inodes[number]?.replaced?.record.isBroken = true
        default: return
        }
        saveNode(number)
        fail(number, .inputOutput)
    }

    /// The bucket has the bytes that the disk did not take: whoever has the file open reads them from there, and
    /// the next change begins with a new data file.
    mutating func leaveBroken(_ number: InodeNumber) {
        guard inodes.look(number, { $0.isBroken }) == true, let inode = inodes[number],
            let data = inode.dataID, inode.attributes.kind == .regular, !inode.unflushed,
            inode.writesUnderWay == 0, inode.partial == nil,
            inode.base?.size == inode.attributes.size
        else { return }
        inodes[number]?.content = .remote
        inodes[number]?.isBroken = false
        if address(number).map({ intents.isPending($0) }) == true {
            saveNode(number)
        } else {
            journal.append(.removeNode(number))
        }
        discard(data)
    }

    /// Of what waits below `prefix`, the disk did not take something: no barrier makes it safe.
    func hasBroken(under prefix: KeyPrefix) -> Bool {
        inodes.indexes.broken.contains { number in address(number).map(prefix.contains) ?? false }
    }

    /// The same of one file, whoever asks.
    func isBroken(_ number: InodeNumber) -> Bool {
        guard inodes.look(number, { $0.isBroken && $0.dataID != nil }) == true,
            let address = address(number)
        else { return false }
        return intents.intents[address]?.record.want == .put
    }
}
