import RGWBase
import RGWObject
import RGWSpool

/// rename's decisions and what they change.
extension VolumeState {
    mutating func reserve(_ path: FileSystem.RenamePath) {
        for address in [path.old.file, path.new.file, path.old.marker, path.new.marker] {
            intents.reserve(address)
        }
        intents.reserve(prefix: KeyPrefix(marker: path.old.marker))
        intents.reserve(prefix: KeyPrefix(marker: path.new.marker))
    }

    /// Another rename works on these names, above or below them.
    func isReserved(_ path: FileSystem.RenamePath) -> Bool {
        [path.old, path.new].contains {
            intents.isReserved($0.file)
                || intents.isReserved(prefix: KeyPrefix(marker: $0.marker))
        }
    }

    mutating func release(_ path: FileSystem.RenamePath) {
        intents.release(prefix: KeyPrefix(marker: path.old.marker))
        intents.release(prefix: KeyPrefix(marker: path.new.marker))
        for address in [path.old.file, path.new.file, path.old.marker, path.new.marker] {
            intents.release(address)
        }
        actions.append(contentsOf: renamesWaiting)
        renamesWaiting = []
    }

    mutating func planRename(
        _ path: FileSystem.RenamePath, _ mode: RenameMode, _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> FileSystem.Step<FileSystem.RenameWork> {
        if isReadOnly { throw .readOnly }
        if mode == .exchange { return try exchange(path, moment) }
        let found = try existing(path.parent, path.name, moment)
        guard case .done(let source) = found else { return found.asNeed() }
        if let need = changeNeed(source, now: moment.now, since: moment.since) {
            return .need(need)
        }
        var target: InodeNumber?
        switch try resolve(
            path.newParent, path.newName, now: moment.now, since: moment.since, time: moment.time)
        {
        case .absent:
            if let need = try readersNeed(path.newParent, path.newName) { return .need(need) }
        case .need(let need): return .need(need)
        case .found(let inode): target = inode
        }
        if source == target { return .done(.finished) }
        if let target, let need = try replaceNeed(source, target, mode, moment) {
            return .need(need)
        }
        if let target, let need = readersNeed(target) { return .need(need) }
        guard let known = inodes[source] else { throw .stale }
        let isDirectory = known.isDirectory
        let prefixes = isDirectory ? [path.old.marker, path.new.marker] : []
        for address in [path.old.file, path.new.file] + prefixes
        where intents.flights[address] != nil && !isPut(address) {
            return .need(.landing(address))
        }
        for marker in prefixes {
            let below = KeyPrefix(marker: marker)
            if let flying = intents.flights.keys.first(where: below.contains) {
                return .need(.landing(flying))
            }
        }
        if isDirectory { return .done(.copyTree(source)) }
        if intents.intents[path.old.file]?.record.want == .put {
            moveUnsent(source, path, newBase: targetBase(path, target), moment)
            return .done(.finished)
        }
        for address in [path.old.file, path.new.file] where intents.flights[address] != nil {
            return .need(.landing(address))
        }
        guard let base = known.base else { throw .stale }
        let metadata = PosixMetadata.merge(known.attributes, into: known.metadata)
        return .done(.copyFile(source, base.etag, metadata))
    }

    /// POSIX: who has the replaced file open goes on reading it. Its bytes are fetched before they go.
    private func readersNeed(_ target: InodeNumber) -> Need? {
        guard let known = inodes[target], !known.isDirectory, known.opens > 0, known.dataID == nil,
            let base = known.base, base.size <= Self.keptForReadersMax
        else { return nil }
        return .hydrate(target, length: base.size)
    }

    private func isPut(_ address: ObjectAddress) -> Bool { intents.flights[address]?.want == .put }

    /// Checks POSIX's rules for replacing `target`; returns what must be known first.
    private mutating func replaceNeed(
        _ source: InodeNumber, _ target: InodeNumber, _ mode: RenameMode,
        _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> Need? {
        if mode == .noReplace { throw .exists }
        guard let from = inodes[source], let to = inodes[target] else { throw .stale }
        if to.isDirectory && !from.isDirectory { throw .isDirectory }
        if !to.isDirectory && from.isDirectory { throw .notDirectory }
        return to.isDirectory ? try emptyNeed(target, moment) : nil
    }

    /// The tag that the key at the new name has now.
    private func targetBase(_ path: FileSystem.RenamePath, _ target: InodeNumber?) -> ETag? {
        if let intent = intents.intents[path.new.file] { return intent.record.base }
        return target.flatMap { inodes[$0]?.base?.etag }
    }

    /// The file that had the new name is replaced: its unsent changes are not wanted any more.
    private mutating func dropTarget(_ path: FileSystem.RenamePath, _ time: WallTime) {
        let waiters = intents.takeWaiters(path.new.file)
        for waiter in waiters { actions.append { waiter.waiter.settle(nil) } }
        if let inode = intents.intents[path.new.file]?.record.inode {
            journal.append(.removeNode(inode))
        }
        switch inodes[path.newParent]?.directory?[path.newName] {
        case .inode(let inode):
            dropData(inode)
            inodes[inode]?.attributes.ctime = time
            detach(inode)
        case .listed: inodes[path.newParent]?.directory?[path.newName] = nil
        case nil: break
        }
    }

    /// A file whose content waits in the spool: its upload goes to the new key instead.
    private mutating func moveUnsent(
        _ source: InodeNumber, _ path: FileSystem.RenamePath, newBase: ETag?,
        _ moment: FileSystem.Moment
    ) {
        let isHeld = intents.intents[path.old.file]?.held ?? false
        let waiters = intents.takeWaiters(path.old.file)
        dropTarget(path, moment.time)
        wantDelete(
            path.old.file, known: inodes[source]?.base?.etag, after: path.new.file, isOpen: false,
            now: moment.now, time: moment.time)
        inodes[source]?.base = nil
        // The old object goes with the old name: after a crash this content is all there is.
        inodes[source]?.replacing = false
        move(source, path, moment)
        saveNode(source)
        setIntent(
            IntentRecord(
                address: path.new.file, want: .put, inode: source, base: newBase, after: nil,
                born: moment.time),
            now: moment.now, held: isHeld)
        intents.addWaiters(path.new.file, waiters)
        keepDirectory(path.parent, now: moment.now, time: moment.time)
    }

    private mutating func move(
        _ inode: InodeNumber, _ path: FileSystem.RenamePath, _ moment: FileSystem.Moment
    ) {
        inodes[path.parent]?.directory?[path.name] = nil
        attach(inode, to: path.newParent, path.newName)
        inodes[inode]?.attributes.ctime = moment.time
        touch(path.parent, moment.time)
        touch(path.newParent, moment.time)
    }

    /// The object is at both keys now: the name moves, and the old key is to go.
    mutating func finishFileRename(
        _ path: FileSystem.RenamePath, _ inode: InodeNumber, _ etag: ETag,
        _ sent: ObjectMetadata, _ stored: Stored, _ moment: FileSystem.Moment
    ) throws(FileSystemError) {
        guard let known = inodes[inode],
            known.link == Inode.Link(parent: path.parent, name: path.name)
        else {
            distrust(path)
            throw .stale
        }
        if intents.intents[path.old.file]?.record.want == .put {
            // Written to while it was copied: the new content goes over the copy.
            moveUnsent(inode, path, newBase: stored.etag, moment)
            return
        }
        guard let base = known.base, base.etag == etag else {
            distrust(path)
            throw .stale
        }
        dropTarget(path, moment.time)
        dropIntent(path.new.file)
        let waiters = intents.takeWaiters(path.old.file)
        for waiter in waiters { actions.append { waiter.waiter.settle(nil) } }
        wantDelete(
            path.old.file, known: base.etag, after: nil, isOpen: false, now: moment.now,
            time: moment.time)
        inodes[inode]?.base = BaseVersion(
            etag: stored.etag, size: base.size, lastModified: stored.lastModified)
        let isOutdated = PosixMetadata.merge(known.attributes, into: known.metadata) != sent
        move(inode, path, moment)
        // Mode, owner or times were changed while the object was copied.
        if isOutdated { wantMetadata(inode, now: moment.now, time: moment.time) }
        markSettled(path.newParent, path.newName)
        keepDirectory(path.parent, now: moment.now, time: moment.time)
    }

    /// A copy may be at the new key, but the file keeps its old name: where nothing was, nothing is to
    /// stay; a file that was there is looked at again.
    mutating func undoCopy(
        _ path: FileSystem.RenamePath, _ etag: ETag, _ moment: FileSystem.Moment
    ) {
        if let entry = inodes[path.newParent]?.directory?[path.newName] {
            noteCopied(path.new.file, etag, moment)
            guard case .inode(let target) = entry else { return }
            inodes[target]?.checkedAt = .distantPast
            inodes[target]?.attributesKnown = false
            return
        }
        wantDelete(
            path.new.file, known: etag, after: nil, isOpen: false, now: moment.now,
            time: moment.time)
        noteCopied(path.new.file, etag, moment)
    }

    private mutating func noteCopied(
        _ address: ObjectAddress, _ etag: ETag, _ moment: FileSystem.Moment
    ) {
        intents.noteUncertain(
            FlightRecord(
                address: address, want: .copy, base: nil, tags: [etag], isUnconditional: true,
                started: moment.time), until: moment.now + configuration.settleTime)
    }

    /// What is known of both names may be wrong now.
    mutating func distrust(_ path: FileSystem.RenamePath) {
        inodes[path.parent]?.directory?.listedAt = nil
        inodes[path.newParent]?.directory?.listedAt = nil
    }

    // MARK: Trees

    /// Copies of a rename that failed are not to stay.
    mutating func undoCopies(
        _ path: FileSystem.RenamePath, _ copied: [(TreeCopy.Item, Stored)],
        _ moment: FileSystem.Moment
    ) {
        if copied.isEmpty { return }
        for (item, stored) in copied {
            wantDelete(
                item.to, known: stored.etag, after: nil, isOpen: false, now: moment.now,
                time: moment.time)
        }
        // Until they are gone, listings show the new name as a directory.
        if inodes[path.newParent]?.directory?[path.newName] == nil {
            setIntent(
                IntentRecord(
                    address: path.new.marker, want: .removeDirectory, inode: nil, base: nil,
                    after: nil, born: moment.time),
                now: moment.now, held: false)
        }
    }

    mutating func finishTreeRename(
        _ path: FileSystem.RenamePath, _ inode: InodeNumber, _ objects: [ListedObject],
        _ copied: [(TreeCopy.Item, Stored)], _ moment: FileSystem.Moment
    ) throws(FileSystemError) {
        guard inodes[inode]?.link == Inode.Link(parent: path.parent, name: path.name) else {
            distrust(path)
            throw .stale
        }
        var tags: [ObjectAddress: Stored] = [:]
        for (item, stored) in copied {
            tags[item.from] = stored
            takeCopy(item, stored, moment)
        }
        for address in intents.pendingKeys(under: KeyPrefix(marker: path.old.marker))
        where address != path.old.marker {
            rekey(address, path, tags[address], moment)
        }
        for object in objects {
            let address = ObjectAddress(bucket: path.old.marker.bucket, key: object.key)
            if address == path.old.marker { continue }
            noteCopy(address, tags[address])
            if intents.intents[address] == nil {
                wantDelete(
                    address, known: object.etag, after: nil, isOpen: false, now: moment.now,
                    time: moment.time)
            }
        }
        dropTarget(path, moment.time)
        let markerWaiters = intents.takeWaiters(path.old.marker)
        dropIntent(path.old.marker)
        setIntent(
            IntentRecord(
                address: path.old.marker, want: .removeDirectory, inode: nil, base: nil,
                after: path.new.marker, born: moment.time),
            now: moment.now, held: false)
        dropIntent(path.new.marker)
        move(inode, path, moment)
        inodes[inode]?.directory?.hasMarker = true
        inodes[inode]?.directory?.isNew = false
        wantPut(inode, now: moment.now, time: moment.time, held: false)
        intents.addWaiters(path.new.marker, markerWaiters)
        keepDirectory(path.parent, now: moment.now, time: moment.time)
    }

    /// The copy is the file now: what waited to remove an older file at its key must not touch it. A
    /// file removed while it was copied is removed at its new key too.
    private mutating func takeCopy(
        _ item: TreeCopy.Item, _ stored: Stored, _ moment: FileSystem.Moment
    ) {
        let want = intents.intents[item.from]?.record.want
        dropIntent(item.to)
        if want == .delete || want == .removeDirectory {
            wantDelete(
                item.to, known: stored.etag, after: nil, isOpen: false, now: moment.now,
                time: moment.time)
        }
    }

    /// An unsent change below a renamed directory goes to its new key.
    private mutating func rekey(
        _ address: ObjectAddress, _ path: FileSystem.RenamePath, _ copied: Stored?,
        _ moment: FileSystem.Moment
    ) {
        guard let intent = intents.intents[address], let to = path.renamed(address),
            let inode = intent.record.inode
        else { return }
        let waiters = intents.takeWaiters(address)
        wantDelete(
            address, known: copied?.etag, after: to, isOpen: false, now: moment.now,
            time: moment.time)
        let size = inodes[inode]?.attributes.size ?? 0
        inodes[inode]?.base = copied.map {
            BaseVersion(etag: $0.etag, size: size, lastModified: $0.lastModified)
        }
        inodes[inode]?.replacing = false
        var record = intent.record
        record.address = to
        // An older object at the new key may still wait to be deleted: it is replaced instead.
        record.base = copied?.etag ?? intents.intents[to]?.record.base
        saveNode(inode)
        setIntent(record, now: moment.now, held: intent.held)
        intents.addWaiters(to, waiters)
    }

    /// The inode of a copied object, if it is known, now agrees with the copy.
    private mutating func noteCopy(_ address: ObjectAddress, _ stored: Stored?) {
        guard let stored, let (names, isMarker) = layout.path(of: address), let name = names.last,
            let parent = lookUp(names.dropLast()),
            case .inode(let inode) = inodes[parent]?.directory?[name],
            inodes[inode]?.isDirectory == isMarker, let base = inodes[inode]?.base
        else { return }
        inodes[inode]?.base = BaseVersion(
            etag: stored.etag, size: base.size, lastModified: stored.lastModified)
    }
}
