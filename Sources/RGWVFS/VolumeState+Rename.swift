import RGWBase
import RGWObject
import RGWSpool

/// rename's decisions, and what they change for one file.
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

    /// What a rename comes to when everything it depends on is known.
    enum RenamePlan: Sendable {
        case nothing
        case exchange(InodeNumber, InodeNumber)
        case file(InodeNumber, target: InodeNumber?)
        case tree(InodeNumber, target: InodeNumber?)
    }

    /// `isQuiet`: a directory waits until nothing is under way below it, which must be reserved then.
    mutating func planRename(
        _ path: FileSystem.RenamePath, _ mode: RenameMode, isQuiet: Bool,
        _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> FileSystem.Step<RenamePlan> {
        if isReadOnly { throw .readOnly }
        if mode == .exchange { return try planExchange(path, moment) }
        let found = try existing(path.parent, path.name, moment)
        guard case .done(let source) = found else { return found.asNeed() }
        try refuseManifest(source)
        var target: InodeNumber?
        switch try resolve(
            path.newParent, path.newName, now: moment.now, since: moment.since, time: moment.time)
        {
        case .absent:
            if let need = readersNeed(path.new.file) { return .need(need) }
        case .need(let need): return .need(need)
        case .found(let inode): target = inode
        }
        if source == target { return .done(.nothing) }
        if let target, let need = try replaceNeed(source, target, mode, moment) {
            return .need(need)
        }
        if let target, let need = readersNeed(target) { return .need(need) }
        guard let isDirectory = inodes[source]?.isDirectory else { throw .stale }
        if isDirectory {
            if path.new.marker == path.new.file { throw .nameTooLong }
            // The marker is made anew, with the attributes of the old one.
            if let need = changeNeed(source, now: moment.now, since: moment.since) {
                return .need(need)
            }
            if shadow(source) != nil { return .need(.head(source)) }
            for marker in [path.old.marker, path.new.marker] where isQuiet {
                let below = KeyPrefix(marker: marker)
                if intents.flights.keys.contains(where: below.contains) {
                    return .need(.landings(below))
                }
            }
            if isQuiet, intents.flights[path.new.file] != nil {
                return .need(.landing(path.new.file))
            }
            return .done(.tree(source, target: target))
        }
        // A file that is sent again anyway may move while it is sent.
        let isUnsent = intents.intents[path.old.file]?.record.want == .put
        for address in [path.old.file, path.new.file] where intents.flights[address] != nil {
            if isUnsent, intents.flights[address]?.want == .put { continue }
            return .need(.landing(address))
        }
        return .done(.file(source, target: target))
    }

    /// POSIX: who has the replaced file open goes on reading it. Its bytes are fetched before they go.
    private func readersNeed(_ target: InodeNumber) -> Need? {
        guard let known = inodes[target], !known.isDirectory, known.opens > 0, known.dataID == nil,
            let base = known.base, base.size <= Self.keptForReadersMax
        else { return nil }
        return .hydrate(target, length: base.size)
    }

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

    // MARK: One file

    /// Moves a file's name. What is unsent goes up under the new name; what is in the bucket is to be
    /// copied there, and its old key deleted after that.
    mutating func moveFile(
        _ source: InodeNumber, _ path: FileSystem.RenamePath, target: InodeNumber?,
        _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> Need? {
        let pending = intents.intents[path.old.file]
        let newBase = targetBase(path, target)
        if pending?.record.want == .put {
            moveUnsent(source, path, newBase: newBase, moment)
            return nil
        }
        guard let move = move(path.old.file, to: path.new.file, of: source) else {
            throw .stale
        }
        if let need = need(for: move) { return need }
        let waiters = intents.takeWaiters(path.old.file)
        dropTarget(path, moment.time)
        relocate(source, path, moment)
        apply(move, base: newBase, moment)
        if intents.intents[path.new.file] != nil {
            intents.addWaiters(path.new.file, waiters)
        } else {
            for waiter in waiters { actions.append { waiter.waiter.settle(nil) } }
        }
        keepDirectory(path.parent, now: moment.now, time: moment.time)
        return nil
    }

    /// The tag that the key at the new name has now.
    private func targetBase(_ path: FileSystem.RenamePath, _ target: InodeNumber?) -> ETag? {
        if let intent = intents.intents[path.new.file] { return intent.record.base }
        return target.flatMap { inodes[$0]?.base?.etag }
    }

    /// The file that had the new name is replaced: its unsent changes are not wanted any more.
    mutating func dropTarget(_ path: FileSystem.RenamePath, _ time: WallTime) {
        let waiters = intents.takeWaiters(path.new.file)
        for waiter in waiters { actions.append { waiter.waiter.settle(nil) } }
        if let inode = intents.intents[path.new.file]?.record.inode {
            journal.append(.removeNode(inode))
        }
        switch inodes[path.newParent]?.directory?[path.newName] {
        case .inode(let inode):
            dropData(inode)
            inodes[inode]?.attributes.ctime = time
            inodes[inode]?.isRemovedHere = true
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
        let earlier = earlierContent(of: source, at: path.old.file)
        dropTarget(path, moment.time)
        intents.moveFollowers(from: path.old.file, to: path.new.file)
        wantDelete(
            path.old.file, known: inodes[source]?.base?.etag, after: path.new.file, isOpen: false,
            now: moment.now, time: moment.time)
        inodes[source]?.base = nil
        // The old object goes with the old name: after a crash this content is all there is.
        inodes[source]?.replacing = false
        relocate(source, path, moment)
        saveNode(source)
        setIntent(
            IntentRecord(
                address: path.new.file, want: .put, inode: source, base: newBase, after: nil,
                born: moment.time, source: earlier),
            now: moment.now, held: isHeld)
        intents.addWaiters(path.new.file, waiters)
        keepDirectory(path.parent, now: moment.now, time: moment.time)
    }

    mutating func relocate(
        _ inode: InodeNumber, _ path: FileSystem.RenamePath, _ moment: FileSystem.Moment
    ) {
        inodes[path.parent]?.directory?[path.name] = nil
        attach(inode, to: path.newParent, path.newName)
        inodes[inode]?.attributes.ctime = moment.time
        touch(path.parent, moment.time)
        touch(path.newParent, moment.time)
    }

    // MARK: One object

    /// One object on its way from a key to another.
    struct Move: Sendable {
        var old: ObjectAddress
        var new: ObjectAddress
        var source: CopySource
        /// Its metadata replaces the object's.
        var inode: InodeNumber?

        /// It was renamed back to where its object still is.
        var isReturn: Bool { source.address == new }
    }

    /// What moving the object of a clean or merely renamed file comes to; nil: there is no object.
    private func move(
        _ old: ObjectAddress, to new: ObjectAddress, of inode: InodeNumber
    ) -> Move? {
        let record = intents.intents[old]?.record
        switch record?.want {
        case .copy where intents.uncopiedSource(old) != nil:
            return record?.source.map {
                Move(old: old, new: new, source: $0, inode: record?.inode)
            }
        case .copy, .metadata, nil:
            return inodes[inode]?.base.map {
                Move(
                    old: old, new: new, source: CopySource(address: old, version: $0),
                    inode: record?.want == .metadata ? inode : nil)
            }
        case .put, .delete, .makeDirectory, .removeDirectory: return nil
        }
    }

    /// What a move has to wait for; nil: nothing.
    func need(for move: Move) -> Need? {
        if move.isReturn {
            // A request of unknown outcome may yet change the object that was to stay as it is.
            return intents.isUncertain(move.new) ? .landed(move.old) : nil
        }
        // Rule D3: no cycle. An earlier copy gets done first. Source: writeback.md 4.6.
        return intents.reaches(move.new, move.source.address) ? .landed(move.old) : nil
    }

    /// Writes a move's intents. `base` is the tag that the key at the new name has.
    mutating func apply(_ move: Move, base: ETag?, _ moment: FileSystem.Moment) {
        // The source's key goes after the copy (IntentTable.mayStart). A key to which a copy was pending
        // is to be again what it was.
        wantDelete(
            move.old, known: move.source.address == move.old ? move.source.version.etag : nil,
            after: nil, isOpen: false, now: moment.now, time: moment.time)
        if move.isReturn {
            dropIntent(move.new)
            if let inode = move.inode {
                wantMetadata(inode, now: moment.now, time: moment.time)
            }
        } else {
            wantCopy(move.new, of: move.source, base: base, inode: move.inode, moment)
        }
    }
}
