import RGWBase
import RGWObject
import RGWSpool

/// What one operation changed in the state, so that it can be taken back when the journal could not keep
/// it: what the user was told is then what is there.
struct UndoLog: Sendable {
    /// What the operation left in an inode: only that is taken back, not what happened to it since.
    struct Trace: Sendable {
        let number: InodeNumber
        /// Before the first change, without the names in it; nil: there was none.
        var before: Inode?
        var base: BaseVersion?
        var data: DataID?
    }

    var traces: [Trace] = []
    var names: [(directory: InodeNumber, name: EntryName, entry: Directory.Entry?)] = []
    /// Intents before their first change; nil: there was none.
    var intents: [ObjectAddress: IntentTable.Intent?] = [:]
    var unlinked: [InodeNumber: ObjectAddress?] = [:]
    /// Data files that were to go.
    var discarded: Set<DataID> = []
    /// Those of them whose rows are power-safe.
    var sealed: Set<DataID> = []
}

extension VolumeState {
    mutating func startNoting() {
        undo = UndoLog()
        inodes.startNoting()
        intents.intents.startNoting()
    }

    mutating func stopNoting() -> UndoLog {
        let notes = inodes.stopNoting()
        var log = undo ?? UndoLog()
        undo = nil
        log.traces = notes.traces
        log.names = notes.names
        log.intents = intents.intents.stopNoting()
        return log
    }

    /// Takes operations back, the youngest first, and writes the rows of what they touched anew, so that
    /// the journal will have what the state has.
    mutating func takeBack(_ logs: [UndoLog], _ error: FileSystemError) {
        kept.stop()
        for log in logs { takeBack(log, error) }
        for log in logs {
            for address in log.intents.keys {
                guard let record = intents.intents[address]?.record else {
                    journal.append(.removeIntent(address))
                    continue
                }
                if let inode = record.inode { saveNode(inode) }
                journal.append(.intent(record))
            }
            for trace in log.traces where trace.before == nil {
                journal.append(.removeNode(trace.number))
            }
        }
    }

    private mutating func takeBack(_ log: UndoLog, _ error: FileSystemError) {
        for note in log.names.reversed() {
            inodes[note.directory]?.directory?[note.name] = note.entry
        }
        for trace in log.traces {
            if let before = trace.before {
                restore(trace.number, before, trace)
            } else {
                unmake(trace.number)
            }
        }
        for (address, intent) in log.intents {
            for waiter in intents.restore(address, intent) {
                actions.append { waiter.settle(error) }
            }
        }
        for (inode, address) in log.unlinked { unlinked[inode] = address }
        discarded.removeAll { log.discarded.contains($0) }
        discardedSealed.removeAll { log.discarded.contains($0) }
        sealedData.formUnion(log.sealed)
        for trace in log.traces { evict(trace.number) }
    }

    /// What the operation changed is as it was; what others changed since stays.
    private mutating func restore(_ number: InodeNumber, _ before: Inode, _ trace: UndoLog.Trace) {
        guard var now = inodes[number] else {
            // Dropped since as nobody needed it: with its name it is needed again.
            var again = before
            again.opens = 0
            again.writers = 0
            again.lookups = 0
            inodes[number] = again
            return
        }
        let size = now.attributes.size
        now.attributes = before.attributes
        if now.generation != before.generation { now.attributes.size = size }
        now.link = before.link
        now.isRemovedHere = before.isRemovedHere
        now.metadata = before.metadata
        now.symlinkTarget = before.symlinkTarget
        now.replacing = before.replacing
        if now.base == trace.base { now.base = before.base }
        if now.dataID == trace.data {
            now.content = before.content
            now.replaced = before.replaced
        }
        now.directory?.hasMarker = before.directory?.hasMarker ?? false
        now.directory?.isNew = before.directory?.isNew ?? false
        inodes[number] = now
    }

    /// A file that was made is gone again; the answer that would have counted it was never given.
    private mutating func unmake(_ number: InodeNumber) {
        guard let known = inodes[number] else { return }
        inodes[number]?.link = nil
        if let data = known.dataID { discard(data) }
        inodes[number]?.lookups = known.lookups - min(1, known.lookups)
    }
}
