import RGWBase
import RGWObject
import RGWSpool

/// Names whose object is still under the old name: a rename was answered and its copy is pending.
extension VolumeState {
    /// Where the bytes and attributes are that the bucket has of an inode: its key, or the old one while
    /// the copy to its key is pending. nil: it has neither a name nor an object.
    func location(_ inode: InodeNumber) -> ObjectAddress? {
        guard let address = address(inode) else { return unlinked[inode] }
        return intents.uncopiedSource(address) ?? address
    }

    /// How the server keeps the bytes that are to be copied to a key, if a HEAD of them told.
    func knownStorage(_ target: ObjectAddress, _ etag: ETag) -> StorageTraits? {
        guard let (names, isMarker) = layout.path(of: target), !isMarker, let name = names.last,
            let parent = lookUp(names.dropLast()),
            case .inode(let inode) = inodes[parent]?.directory?[name], let known = inodes[inode],
            known.attributesKnown, known.base?.etag == etag
        else { return nil }
        return known.metadata.storage
    }

    /// The inode was renamed, and nothing else of it was changed since: its attributes are the object's.
    func isMoved(_ inode: InodeNumber) -> Bool {
        guard let address = address(inode), let record = intents.intents[address]?.record else {
            return false
        }
        return record.want == .copy && record.inode == nil
    }

    /// The key's object is to become a copy of `source`. `inode`: with its metadata instead of the source's.
    mutating func wantCopy(
        _ address: ObjectAddress, of source: CopySource, base: ETag?, inode: InodeNumber?,
        _ moment: FileSystem.Moment
    ) {
        if let inode { saveNode(inode) }
        setIntent(
            IntentRecord(
                address: address, want: .copy, inode: inode, base: base, after: nil,
                born: moment.time, source: source),
            now: moment.now, held: false)
    }

    // MARK: The end of a copy

    /// The inode or the listed name at a key agrees with the object that was stored there.
    mutating func noteCopy(_ address: ObjectAddress, _ version: BaseVersion, now: Instant) {
        guard let (names, isMarker) = layout.path(of: address), let name = names.last,
            let parent = lookUp(names.dropLast())
        else { return }
        markSettled(parent, name, now: now)
        switch inodes[parent]?.directory?[name] {
        case .inode(let inode):
            guard let known = inodes[inode], known.isDirectory == isMarker else { break }
            if known.base?.isSameVersion(as: version) != true {
                inodes[inode]?.attributesKnown = false
            }
            if known.base != nil || !isMarker { inodes[inode]?.base = version }
            inodes[inode]?.checkedAt = now
            // Closed while the copy was pending, it kept its data file.
            if !intents.isPending(address), !isMarker { becameClean(inode) }
            evict(inode)
        case .listed(let listed) where !isMarker && listed.object != nil:
            inodes[parent]?.directory?[name] = .listed(
                Directory.Listed(number: listed.number, object: version, seenAt: now))
        case .listed, nil: break
        }
        evict(parent)
    }

    /// The copy is done. What was changed at its target meanwhile stays to be done.
    mutating func landCopy(_ flight: IntentTable.Flight, _ stored: Stored, now: Instant) {
        guard let source = flight.source else { return }
        // COPY required this tag just now.
        intents.noteConfirmed(source.address, tag: source.version.etag, now: now)
        guard let intent = intents.intents[flight.address] else { return }
        if intent.revision == flight.revision {
            let version = BaseVersion(
                etag: stored.etag, size: source.version.size, lastModified: stored.lastModified)
            if !settles(flight, tag: stored.etag, now: now) { dropIntent(flight.address) }
            return noteCopy(flight.address, version, now: now)
        }
        guard var record = intents.setBase(flight.address, stored.etag) else { return }
        if record.want == .copy, record.source?.address == source.address {
            // Its attributes changed while it was copied.
            record.want = .metadata
            record.source = nil
            setIntent(record, now: now, held: false)
        } else {
            journal.append(.intent(record))
        }
    }

    /// The source is another version by now. It is a rename: the newest content moves.
    mutating func sourceChanged(
        _ target: ObjectAddress, _ version: BaseVersion, time: WallTime
    ) {
        // Written since, the file goes up itself, and only remembers what it was copied from.
        guard let old = intents.intents[target]?.record, old.want == .copy,
            let source = old.source?.address, var record = intents.setSource(target, version)
        else { return }
        // What was changed here are an older version's attributes; the newer one has its own.
        if let inode = record.inode {
            record.inode = nil
            noteRefusal(
                target, .metadata, "another client wrote a newer version, with its own attributes",
                time)
            noteNameFailure(target, .stale)
            fail(inode, .stale)
            intents.setInode(target, nil)
            journal.append(.removeNode(inode))
        }
        journal.append(.intent(record))
        if intents.intents[source]?.record.want == .delete,
            let deletion = intents.setBase(source, version.etag)
        {
            journal.append(.intent(deletion))
        }
        guard let (names, _) = layout.path(of: target), let name = names.last,
            let parent = lookUp(names.dropLast())
        else { return }
        switch inodes[parent]?.directory?[name] {
        case .inode(let inode):
            guard let known = inodes[inode], known.base?.isSameVersion(as: version) != true else {
                return
            }
            noteForeignSize(known, version.size)
            inodes[inode]?.base = version
            inodes[inode]?.foreignVersion += 1
            inodes[inode]?.attributesKnown = false
            inodes[inode]?.distrust()
            inodes[inode]?.symlinkTarget = nil
            inodes[inode]?.attributes.size = version.size
            reads.drop(inode)
            dropOldCopy(inode)
            noteAttributes(inode)
        case .listed(let listed):
            inodes[parent]?.directory?[name] = .listed(
                Directory.Listed(
                    number: listed.number, object: version, seenAt: .distantPast))
        case nil: break
        }
    }

    /// Somebody has the file open, and the spool has a copy of the version before: it is not the file's any more.
    mutating func dropOldCopy(_ inode: InodeNumber) {
        guard let known = inodes[inode], let data = known.dataID, !known.unflushed,
            known.writesUnderWay == 0
        else { return }
        dropPartial(inode)
        inodes[inode]?.content = .remote
        journal.append(.removeNode(inode))
        discard(data)
    }

    /// The rename can be taken back: its old name has no new file by now, and it was a rename.
    func canRevertCopy(_ target: ObjectAddress) -> Bool {
        guard let source = intents.copySource(target) else { return true }
        return intents.intents[source]?.record.want == .delete
    }

    /// The copy cannot be: the rename is taken back, so that both names show what the bucket has.
    mutating func revertCopy(_ target: ObjectAddress) {
        guard let record = intents.intents[target]?.record, record.want == .copy,
            let source = record.source?.address
        else { return }
        dropIntent(target)
        // What stays where it was is not to be deleted there, and its directories are to be seen again.
        let removed = source.directories.compactMap(\.marker) + [source]
        for address in removed {
            let want = intents.intents[address]?.record.want
            if want == .removeDirectory || want == .delete { dropIntent(address) }
        }
        for address in removed + [target] { distrustParent(of: address) }
        guard let (names, isMarker) = layout.path(of: target), let name = names.last,
            let parent = lookUp(names.dropLast())
        else { return }
        switch inodes[parent]?.directory?[name] {
        case .inode(let inode) where !isMarker:
            if inodes[inode]?.opens ?? 0 > 0 { unlinked[inode] = source }
            take(inode)
        case .listed(let listed) where !isMarker && listed.object != nil:
            inodes[parent]?.directory?[name] = nil
        case .inode, .listed, nil: break
        }
    }

    /// Somebody else's object has the name that a copy was to get: the copy goes beside it. Returns its
    /// name; nil: the copy is not wanted any more.
    mutating func keepCopyBeside(
        _ flight: IntentTable.Flight, suffix: String, _ moment: FileSystem.Moment
    ) -> EntryName? {
        let target = flight.address
        retry(flight, at: moment.now)
        guard let intent = intents.intents[target], intent.revision == flight.revision,
            let source = intent.record.source, let (names, isMarker) = layout.path(of: target),
            let old = names.last, let parent = lookUp(names.dropLast())
        else { return nil }
        let link = Inode.Link(parent: parent, name: old)
        guard !isMarker, let name = freeConflictName(link, suffix: suffix),
            let beside = try? addresses(parent, name).file
        else {
            // A directory's marker: one is as good as the other.
            dropIntent(target)
            return nil
        }
        let waiters = intents.takeWaiters(target)
        for waiter in waiters { actions.append { waiter.waiter.settle(.stale) } }
        let entry = inodes[parent]?.directory?[old]
        inodes[parent]?.directory?[old] = nil
        inodes[parent]?.directory?.listedAt = nil
        switch entry {
        case .inode(let inode):
            noteName(link, of: inode)
            attach(inode, to: parent, name)
            fail(inode, .stale)
        case .listed: inodes[parent]?.directory?[name] = entry
        case nil: break
        }
        dropIntent(target)
        wantCopy(beside, of: source, base: nil, inode: intent.record.inode, moment)
        intents.noteConflict(beside, after: intent.conflicts)
        return name
    }

    /// The inode of a file's key, if there is one.
    func file(at address: ObjectAddress) -> InodeNumber? {
        guard let (names, isMarker) = layout.path(of: address), !isMarker, let name = names.last,
            let parent = lookUp(names.dropLast()),
            case .inode(let inode) = inodes[parent]?.directory?[name],
            inodes[inode]?.isDirectory == false
        else { return nil }
        return inode
    }

    /// The inode of a pending copy's target, made if it is only listed.
    mutating func inodeOfCopy(_ target: ObjectAddress, time: WallTime) -> InodeNumber? {
        guard let (names, isMarker) = layout.path(of: target), !isMarker, let name = names.last,
            let parent = lookUp(names.dropLast())
        else { return nil }
        switch inodes[parent]?.directory?[name] {
        case .inode(let inode): return inode
        case .listed(let listed) where listed.object != nil:
            return promote(parent, name, listed, time: time)
        case .listed, nil: return nil
        }
    }

    // MARK: Names of a renamed tree

    /// Shows a name whose object is on its way there.
    mutating func place(_ address: ObjectAddress, _ version: BaseVersion, time: WallTime) {
        guard let (names, isMarker) = layout.path(of: address), let name = names.last else {
            return
        }
        if isMarker {
            let directory = ensureDirectory(names[...], time: time)
            inodes[directory]?.directory?.hasMarker = true
            return
        }
        let parent = ensureDirectory(names.dropLast(), time: time)
        switch inodes[parent]?.directory?[name] {
        case .inode(let inode):
            // A directory hides an object of its name.
            guard inodes[inode]?.isDirectory == false, inodes[inode]?.dataID == nil else { return }
            if inodes[inode]?.base?.isSameVersion(as: version) != true {
                inodes[inode]?.foreignVersion += 1
                inodes[inode]?.attributesKnown = false
                reads.drop(inode)
            }
            inodes[inode]?.base = version
        case .listed(let listed) where listed.object == nil: break
        case .listed(let listed):
            inodes[parent]?.directory?[name] = .listed(
                Directory.Listed(
                    number: listed.number, object: version, seenAt: .distantPast))
        case nil:
            let number = number(of: name, isDirectory: false, in: parent)
            inodes[parent]?.directory?[name] = .listed(
                Directory.Listed(number: number, object: version, seenAt: .distantPast))
        }
    }

    /// The directory at a path, made known if it is not.
    mutating func ensureDirectory(
        _ names: ArraySlice<EntryName>, time: WallTime
    )
        -> InodeNumber
    {
        var current = InodeNumber.root
        for name in names {
            switch inodes[current]?.directory?[name] {
            case .inode(let child) where inodes[child]?.isDirectory == true:
                current = child
                continue
            case .inode(let file):
                // A directory hides an object of its name.
                detach(file)
            case .listed(let listed) where listed.object == nil:
                current = promote(current, name, listed, time: time)
                continue
            case .listed, nil: break
            }
            let number = number(of: name, isDirectory: true, in: current)
            inodes[number] = Inode(
                number: number,
                attributes: PosixMetadata.implicitDirectory(at: time, defaults: defaults),
                link: nil, base: nil, attributesKnown: false, checkedAt: .distantPast,
                lifetime: .zero)
            attach(number, to: current, name)
            current = number
        }
        return current
    }
}
