import RGWBase
import RGWObject
import RGWSpool

/// Local changes: what they leave in the intent table and the journal.
extension VolumeState {
    /// The node's row as the journal keeps it.
    func record(_ inode: Inode) -> NodeRecord {
        NodeRecord(
            inode: inode.number, attributes: inode.attributes, data: inode.dataID,
            generation: inode.generation, metadata: inode.metadata, base: inode.base,
            replacing: inode.directory.map { $0.isNew && !$0.hasSent } ?? inode.replacing,
            sealed: inode.sealed, replaced: inode.replaced?.record,
            isBroken: inode.isBroken && inode.dataID != nil)
    }

    /// Writes a node's row, if it has one to write: a file without a name has none.
    mutating func saveNode(_ inode: InodeNumber) {
        guard let known = inodes[inode], known.link != nil || inode == .root else { return }
        journal.append(.node(record(known)))
        barrier.isNeeded = true
    }

    /// The file's content or existence changed: its key is to be PUT. `held`: not before close or fsync.
    /// `delay`: nil for writeback_delay.
    mutating func wantPut(
        _ inode: InodeNumber, now: Instant, time: WallTime, held: Bool, delay: Duration? = nil
    ) {
        guard let known = inodes[inode], let address = address(inode) else { return }
        noteBelief(inode, address, now: now)
        let pending = intents.intents[address]?.record
        let base = pending.map(\.base) ?? known.base?.etag
        saveNode(inode)
        setIntent(
            IntentRecord(
                address: address, want: known.isDirectory ? .makeDirectory : .put, inode: inode,
                base: known.isDirectory ? nil : base, after: nil, born: time,
                source: known.isDirectory ? nil : pending?.earlierContent),
            now: now, held: held, delay: delay)
    }

    /// What a file that is renamed with unsent content keeps under its new name if that content does not
    /// survive a power cut.
    func earlierContent(of inode: InodeNumber, at address: ObjectAddress) -> CopySource? {
        let record = intents.intents[address]?.record
        if let earlier = record?.earlierContent { return earlier }
        guard let base = inodes[inode]?.base, base.etag == record?.base else { return nil }
        return CopySource(address: address, version: base)
    }

    /// Mode, owner, times or other metadata changed.
    mutating func wantMetadata(_ inode: InodeNumber, now: Instant, time: WallTime) {
        guard let known = inodes[inode], let address = address(inode) else { return }
        noteBelief(inode, address, now: now)
        let pending = intents.intents[address]
        if var record = pending?.record, intents.uncopiedSource(address) != nil,
            !known.isDirectory || record.source?.version.size ?? 0 > 0
        {
            record.inode = inode
            saveNode(inode)
            setIntent(record, now: now, held: false)
            return
        }
        if known.isDirectory || pending?.record.want == .put || known.base == nil
            || known.dataID != nil && intents.flights[address]?.want == .put
        {
            wantPut(inode, now: now, time: time, held: pending?.held ?? false)
            return
        }
        saveNode(inode)
        setIntent(
            IntentRecord(
                address: address, want: .metadata, inode: inode,
                base: pending?.record.base ?? known.base?.etag, after: nil, born: time),
            now: now, held: false)
    }

    mutating func setIntent(
        _ record: IntentRecord, now: Instant, held: Bool, delay: Duration? = nil
    ) {
        let before = intents.intents[record.address]?.record
        _ = intents.set(
            record, now: now, delay: delay ?? configuration.writebackDelay,
            delayMax: configuration.writebackDelayMax, held: held)
        // The row of a file that is closed is the one that was written when it was made.
        if let stored = intents.intents[record.address]?.record, stored != before {
            journal.append(.intent(stored))
        }
        saveReleased()
        barrier.isNeeded = true
    }

    /// Intents that wait for nothing any more, or for another key than before.
    mutating func saveReleased() {
        for record in intents.takeReleased() { journal.append(.intent(record)) }
    }

    /// The key is not to exist any more. `known`: the tag it has as far as this mount knows; nil: it was
    /// never there. `isOpen`: its bytes are still read through an open file, so deleting waits.
    mutating func wantDelete(
        _ address: ObjectAddress, known: ETag?, after: ObjectAddress?, isOpen: Bool, now: Instant,
        time: WallTime
    ) {
        let pending = intents.intents[address]
        let base = pending.map(\.record.base) ?? known
        if base == nil, intents.flights[address] == nil, !intents.isUncertain(address) {
            dropIntent(address)
            return
        }
        forgetNode(of: address)
        setIntent(
            IntentRecord(
                address: address, want: .delete, inode: nil, base: base, after: after, born: time),
            now: now, held: isOpen)
    }

    /// Takes an intent back; who waited for it has nothing left to wait for.
    mutating func dropIntent(_ address: ObjectAddress, keepsNode: Bool = false) {
        barrier.isNeeded = true
        if !keepsNode { forgetNode(of: address) }
        guard intents.intents[address] != nil else { return }
        for waiter in intents.remove(address) { actions.append { waiter.settle(nil) } }
        journal.append(.removeIntent(address))
        saveReleased()
    }

    private mutating func forgetNode(of address: ObjectAddress) {
        if let inode = intents.intents[address]?.record.inode { journal.append(.removeNode(inode)) }
    }

    /// A directory that exists only through its entries must not vanish with the last one.
    mutating func keepDirectory(_ directory: InodeNumber, now: Instant, time: WallTime) {
        guard directory != .root, let known = inodes[directory], let state = known.directory,
            !state.hasMarker, known.link != nil, !isBucket(directory)
        else { return }
        if state.listedAt != nil, !state.entries.isEmpty { return }
        inodes[directory]?.directory?.hasMarker = true
        wantPut(directory, now: now, time: time, held: false)
    }

    /// A file is gone from the tree: its object is to be deleted, its bytes stay while it is open.
    mutating func removeFile(_ inode: InodeNumber, now: Instant, time: WallTime) {
        guard let known = inodes[inode], let address = address(inode), let link = known.link else {
            return
        }
        let keepsObject = known.opens > 0 && known.dataID == nil && known.base != nil
        let source = intents.uncopiedSource(address)
        wantDelete(
            address, known: known.base?.etag, after: nil, isOpen: keepsObject && source == nil,
            now: now, time: time)
        if keepsObject {
            undo?.unlinked.updateValue(unlinked[inode], forKey: inode)
            unlinked[inode] = source ?? address
            // Not copied yet: its bytes are still under the old name.
            if let source, intents.intents[source]?.record.want == .delete {
                intents.setHeld(source, true)
            }
        }
        // The open descriptor keeps the bytes; the data file's name is needed no more.
        dropData(inode)
        if known.opens == 0 { dropBytes(inode) }
        inodes[inode]?.attributes.ctime = time
        inodes[inode]?.isRemovedHere = true
        detach(inode)
        touch(link.parent, time)
        keepDirectory(link.parent, now: now, time: time)
    }

    /// A file that lost its name: neither its row nor its data file's name is needed any more.
    mutating func dropData(_ inode: InodeNumber) {
        guard let data = inodes[inode]?.dataID else { return }
        journal.append(.removeNode(inode))
        discard(data)
        endReplacing(inode)
    }

    /// Nobody can read them any more: their space is free as soon as nothing is sent from them.
    mutating func dropBytes(_ inode: InodeNumber) {
        guard inodes[inode]?.dataID != nil else { return }
        inodes[inode]?.content = .remote
        inodes[inode]?.base = nil
        dropPartial(inode)
    }

    /// The last handle of a removed file is closed: its object may go.
    mutating func releaseUnlinked(_ inode: InodeNumber) {
        guard let address = unlinked.removeValue(forKey: inode) else { return }
        if intents.intents[address]?.record.want == .delete { intents.setHeld(address, false) }
    }

    /// A failure is to be reported to everybody who has the file open, once each.
    mutating func fail(_ inode: InodeNumber, _ error: FileSystemError) {
        inodes[inode]?.failure = Inode.Failure(error: error, sequence: nextFailure)
        nextFailure += 1
    }

    /// The failure a handle has not reported yet; readers have nothing to hear.
    mutating func takeFailure(_ handle: HandleID) -> FileSystemError? {
        guard let file = files[handle], file.flags.write else { return nil }
        if isBroken(file.inode) { return .inputOutput }
        guard let failure = inodes.look(file.inode, { $0.failure }),
            failure.sequence > file.failureSeen
        else {
            return nil
        }
        files[handle]?.failureSeen = failure.sequence
        inodes[file.inode]?.failure?.isReported = true
        return failure.error
    }

    func contentType(_ name: EntryName?) -> String {
        let fallback = "application/octet-stream"
        guard let name else { return fallback }
        let parts = name.text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last else { return fallback }
        return configuration.contentTypes[last.lowercased()] ?? fallback
    }
}

extension IntentRecord {
    /// The object that was to be copied here, or was renamed here with newer content: what is left of the
    /// file when that content does not survive a power cut.
    var earlierContent: CopySource? { want == .copy || want == .put ? source : nil }
}
