import RGWBase
import RGWObject
import RGWSpool

/// What the end of a request to the bucket changes.
extension VolumeState {
    /// The request did what it was sent for. `stored` is nil for deletions.
    mutating func land(_ flight: IntentTable.Flight, stored: Stored?, size: UInt64, now: Instant) {
        noteUploadDone(flight, stored?.etag)
        closeFlight(flight.address)
        let satisfied = intents.finish(flight, succeeded: true)
        for waiter in satisfied { actions.append { waiter.settle(nil) } }
        noteQuota(flight, now: now)
        unreadable.forget(flight.address, isContent: true)
        if flight.want == .put || flight.want == .makeDirectory { rights.accept(flight.address) }
        space.noteProgress(now)
        claims.remove(flight.address)
        if let (names, _) = layout.path(of: flight.address), let name = names.last,
            let parent = lookUp(names.dropLast())
        {
            markSettled(parent, name, now: now)
            noteSent(below: parent)
        }
        // A file renamed meanwhile has another key, and that key's tag as its base.
        if let inode = flight.inode, let stored, address(inode) == flight.address {
            inodes[inode]?.base = BaseVersion(
                etag: stored.etag, size: size, lastModified: stored.lastModified)
            inodes[inode]?.checkedAt = now
            inodes[inode]?.attributesKnown = true
            inodes[inode]?.failure = nil
            if flight.want == .makeDirectory {
                landMarker(inode, flight.address)
            }
        }
        saveReleased()
        if flight.want == .copy {
            if let stored { landCopy(flight, stored, now: now) }
            return
        }
        landReplaced(flight)
        if let inode = flight.inode, flight.want == .put, let done = inodes[inode]?.committed,
            done <= flight.generation
        {
            inodes[inode]?.committed = nil
        }
        guard let intent = intents.intents[flight.address] else { return }
        if intent.revision == flight.revision, !isChangedSince(flight) {
            if settles(flight, tag: stored?.etag, now: now) { return }
            // While the file is open its row keeps the data file from looking lost after a crash.
            let isOpen = flight.inode.flatMap { inodes[$0] }.map {
                $0.opens > 0 && $0.dataID != nil
            }
            dropIntent(flight.address, keepsNode: isOpen ?? false)
            if let inode = flight.inode {
                becameClean(inode)
                evict(inode)
            }
            return
        }
        if let record = intents.setBase(
            flight.address, flight.want == .makeDirectory ? nil : stored?.etag)
        {
            journal.append(.intent(record))
        }
        // What is to be done with the key of a file that was renamed meanwhile does not wait for that file.
        if flight.want == .put, intent.record.inode == flight.inode,
            let known = flight.inode.flatMap({ inodes[$0] })
        {
            intents.renew(
                flight.address, born: now, held: known.unflushed && known.committed == nil)
        }
        keepOnlyMetadata(flight, now: now)
    }

    /// The bucket has the directory. A row that stays, because a later change or a late request is waited for, must
    /// not say after a crash that this mount alone knows its names.
    private mutating func landMarker(_ inode: InodeNumber, _ address: ObjectAddress) {
        let saysNew = inodes[inode]?.directory.map { $0.isNew && !$0.hasSent } ?? false
        inodes[inode]?.directory?.hasMarker = true
        inodes[inode]?.directory?.isNew = false
        if saysNew, intents.intents[address] != nil { saveNode(inode) }
    }

    /// The bucket has something below these directories: not only this mount knows of them.
    private mutating func noteSent(below directory: InodeNumber) {
        var current = directory
        while current != .root, let link = inodes.look(current, { $0.link }) {
            let isNews = inodes.look(current) {
                $0.directory?.isNew == true && $0.directory?.hasSent == false
            }
            if isNews == true {
                inodes[current]?.directory?.hasSent = true
                saveNode(current)
            }
            current = link.parent
        }
    }

    /// Writes came in while the request ran, without a new intent.
    private func isChangedSince(_ flight: IntentTable.Flight) -> Bool {
        guard let inode = flight.inode.flatMap({ inodes[$0] }), flight.want == .put else {
            return false
        }
        return inode.generation != flight.generation || inode.unflushed
    }

    /// The bytes went up and only metadata changed meanwhile: send that alone.
    private mutating func keepOnlyMetadata(_ flight: IntentTable.Flight, now: Instant) {
        guard flight.want == .put, let inode = flight.inode, let known = inodes[inode],
            let intent = intents.intents[flight.address], intent.record.want == .put,
            intent.record.inode == inode, known.generation == flight.generation, !known.unflushed
        else { return }
        var record = intent.record
        record.want = .metadata
        record.source = nil
        // The row says from now on that the bucket has the content.
        saveNode(inode)
        setIntent(record, now: now, held: false)
        leaveBroken(inode)
    }

    /// Everything of the file is in the bucket: the spool's copy goes when nobody has the file open.
    mutating func becameClean(_ inode: InodeNumber) {
        guard let known = inodes[inode] else { return }
        inodes[inode]?.ownChanges = []
        inodes[inode]?.needsLook = false
        endReplacing(inode)
        if known.opens == 0, let data = known.dataID {
            inodes[inode]?.content = .remote
            journal.append(.removeNode(inode))
            discard(data)
        } else {
            leaveBroken(inode)
        }
    }

    /// Tried again later; the file stays as it is. `blocked`: failed for good as far as one can tell.
    mutating func retry(
        _ flight: IntentTable.Flight, at due: Instant, blocked: ObjectStoreError? = nil
    ) {
        closeFlight(flight.address)
        _ = intents.finish(flight, succeeded: false)
        intents.backOff(flight.address, until: due, blocked: blocked)
    }

    /// Failed for good. Data stays and is tried again rarely; a refused rename, deletion or metadata change is
    /// taken back, so that the mount shows what the bucket has, and told: see ARCHITECTURE, "What is taken back".
    mutating func refuse(
        _ flight: IntentTable.Flight, _ error: ObjectStoreError, retryAt: Instant,
        _ moment: FileSystem.Moment
    ) {
        let address = flight.address
        let isStale = intents.intents[address]?.revision != flight.revision
        let isKept =
            switch flight.want {
            case .put, .makeDirectory: true
            case .copy: error.kind != .noSuchKey && !canRevertCopy(address)
            case .metadata, .delete, .removeDirectory: false
            }
        if isStale || !error.isRefusal || isKept {
            return block(flight, error, until: retryAt, now: moment.now)
        }
        let shown = FileSystemError(error)
        closeFlight(address)
        _ = intents.finish(flight, succeeded: false)
        for waiter in intents.takeWaiters(address) {
            actions.append { waiter.waiter.settle(shown) }
        }
        noteRefusal(address, flight.want, error.description, moment.time)
        noteNameFailure(address, shown)
        if let inode = flight.inode { fail(inode, shown) }
        guard flight.want != .copy else {
            revertCopy(address)
            if let source = flight.source?.address { noteNameFailure(source, shown) }
            return
        }
        dropIntent(address)
        if let inode = flight.inode {
            inodes[inode]?.distrust()
            inodes[inode]?.attributesKnown = false
            // Its bytes had gone up before; a spool copy would hide the other client's version.
            becameClean(inode)
            evict(inode)
        }
        distrustParent(of: address)
    }

    /// A change that no open file stands for was refused and taken back.
    mutating func noteNameFailure(_ address: ObjectAddress, _ error: FileSystemError) {
        nameFailures.append(address, error, sequence: nextFailure)
        nextFailure += 1
    }

    /// What an open directory has to report of the names below it.
    mutating func takeNameFailure(_ handle: HandleID) -> FileSystemError? {
        guard let open = directories[handle], let prefix = prefix(open.inode) else { return nil }
        var seen = open.failureSeen
        let error = nameFailures.take(under: prefix, seen: &seen)
        directories[handle]?.failureSeen = seen
        return error
    }

    /// The listing that shows this key must be read again, and the kernel has to look the name up.
    mutating func distrustParent(of address: ObjectAddress) {
        guard let (names, _) = layout.path(of: address), let name = names.last,
            let parent = lookUp(names.dropLast())
        else { return }
        inodes[parent]?.directory?.listedAt = nil
        notices.append(.entry(parent, name))
    }

    /// The directory inode at a path, if it is known.
    func lookUp(_ names: ArraySlice<EntryName>) -> InodeNumber? {
        var current = InodeNumber.root
        for name in names {
            guard case .inode(let child) = inodes[current]?.directory?[name] else { return nil }
            current = child
        }
        return current
    }

    /// The key of a request that ended in a conflict belongs to another file or to none by now. The other
    /// client's version is not ours to remove; a file that is to go there finds its own conflict.
    /// False: the key still belongs to the file that was sent.
    mutating func yieldKey(_ flight: IntentTable.Flight, _ moment: FileSystem.Moment) -> Bool {
        let intent = intents.intents[flight.address]
        if let inode = flight.inode, intent?.record.inode == inode,
            address(inode) == flight.address
        {
            return false
        }
        retry(flight, at: moment.now)
        if let want = intent?.record.want, want.isDeletion {
            keepForeign(flight.address, want, moment.time)
        }
        return true
    }

    /// Another client's version is not deleted unknowingly: its name appears again, and the deletion is told as
    /// refused.
    mutating func keepForeign(
        _ address: ObjectAddress, _ want: IntentRecord.Want, _ time: WallTime
    ) {
        for waiter in intents.takeWaiters(address) {
            actions.append { waiter.waiter.settle(.stale) }
        }
        dropIntent(address)
        distrustParent(of: address)
        noteRefusal(address, want, "another client wrote a newer version, which stays", time)
        noteNameFailure(address, .stale)
    }

    /// Another client changed the object while local changes wait: the remote version keeps the name,
    /// the local one goes up beside it. Returns the new name.
    mutating func keepBoth(
        _ flight: IntentTable.Flight, suffix: String, now: Instant, time: WallTime
    ) -> EntryName? {
        guard let inode = flight.inode, let link = inodes[inode]?.link,
            let name = freeConflictName(link, suffix: suffix)
        else { return nil }
        let held = intents.intents[flight.address]?.held ?? false
        let conflicts = intents.intents[flight.address]?.conflicts ?? 0
        closeFlight(flight.address)
        _ = intents.finish(flight, succeeded: false)
        let waiters = intents.takeWaiters(flight.address)
        journal.append(.removeIntent(flight.address))
        for waiter in intents.remove(flight.address) { actions.append { waiter.settle(.stale) } }
        saveReleased()
        for waiter in waiters { actions.append { waiter.waiter.settle(.stale) } }
        inodes[link.parent]?.directory?[link.name] = nil
        inodes[link.parent]?.directory?.listedAt = nil
        noteName(link, of: inode)
        attach(inode, to: link.parent, name)
        inodes[inode]?.base = nil
        inodes[inode]?.replacing = false
        fail(inode, .stale)
        wantPut(inode, now: now, time: time, held: held)
        if let address = address(inode) { intents.noteConflict(address, after: conflicts) }
        return name
    }

    /// Two conflicts of one name within a second must not share a name, also when the mount died in between and
    /// has not listed the directory since.
    func freeConflictName(_ link: Inode.Link, suffix: String) -> EntryName? {
        for attempt in 1...100 {
            let ending = attempt == 1 ? suffix : "\(suffix)-\(attempt)"
            guard let name = conflictName(link, suffix: ending) else { return nil }
            if let file = try? addresses(link.parent, name).file, intents.isUncertain(file) {
                continue
            }
            let isTaken = inodes[link.parent]?.directory?[name] != nil
            if !isTaken, !isLocal(link.parent, name) { return name }
        }
        return nil
    }

    private func conflictName(_ link: Inode.Link, suffix: String) -> EntryName? {
        let tail = Array(suffix.utf8)
        var head = link.name.bytes
        while head.count + tail.count > EntryName.lengthMax { head.removeLast() }
        while !head.isEmpty {
            if let name = try? EntryName(head + tail) { return name }
            head.removeLast()
        }
        return nil
    }
}
