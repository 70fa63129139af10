import RGWBase
import RGWObject
import RGWSpool

/// A directory's rename: one transaction for everything below it.
extension VolumeState {
    /// What has to move, worked out before anything does.
    private struct Tree {
        var moves: [Move] = []
        /// Unsent files and directories: they go up under their new keys.
        var unsent: [(old: ObjectAddress, new: ObjectAddress)] = []
        /// The directory's own marker, when it has content.
        var content: ListedObject?
        /// The tags of everything listed.
        var tags: [ObjectAddress: ETag] = [:]
        /// The markers of all directories below, whether they exist or not, in no order.
        var directories: Set<ObjectAddress> = []
    }

    /// Moves the directory. `objects` is everything that the bucket has below the old name, listed while no
    /// request ran there.
    mutating func moveTree(
        _ inode: InodeNumber, _ path: FileSystem.RenamePath, _ objects: [ListedObject],
        _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> Need? {
        var tree = try tree(path, objects)
        let ownMarker = markerMove(inode, path, tree.content)
        if let ownMarker { tree.moves.append(ownMarker) }
        for move in tree.moves where need(for: move) != nil {
            return .landedBelow(KeyPrefix(marker: path.old.marker))
        }
        let markerBase = intents.intents[path.new.marker]?.record.base
        dropTarget(path, moment.time)
        let markerWaiters = intents.takeWaiters(path.old.marker)
        dropIntent(path.old.marker)
        dropIntent(path.new.marker)
        relocate(inode, path, moment)
        for marker in tree.directories {
            // What hides a directory that was there before must not hide this one.
            guard let new = path.renamed(marker),
                intents.intents[new]?.record.want == .removeDirectory
            else { continue }
            dropIntent(new)
        }
        for (old, new) in tree.unsent { rekey(old, to: new, listed: tree.tags[old], moment) }
        for move in tree.moves {
            let waiters = intents.takeWaiters(move.old)
            apply(move, base: intents.intents[move.new]?.record.base, moment)
            place(move.new, move.source.version, time: moment.time)
            if intents.intents[move.new] != nil {
                intents.addWaiters(move.new, waiters)
            } else {
                for waiter in waiters { actions.append { waiter.waiter.settle(nil) } }
            }
        }
        if !objects.isEmpty || intents.hasUncertain(under: KeyPrefix(marker: path.old.marker)) {
            for marker in tree.directories { removeOldDirectory(marker, after: nil, moment) }
            removeOldDirectory(path.old.marker, after: path.new.marker, moment)
        }
        inodes[inode]?.directory?.hasMarker = true
        inodes[inode]?.directory?.isNew = false
        // Names that others removed meanwhile are found missing by the next listing.
        inodes[inode]?.directory?.listedAt = nil
        if intents.intents[path.new.marker]?.record.want != .copy {
            // What is known is the version at the old key, unless it has never left the new one.
            if ownMarker?.source.address != path.new.marker { inodes[inode]?.base = nil }
            wantPut(inode, now: moment.now, time: moment.time, held: false)
            _ = intents.setBase(path.new.marker, markerBase)
        }
        removeOldMarker(
            path.parent, path.name, after: path.new.marker, now: moment.now, time: moment.time)
        intents.addWaiters(path.new.marker, markerWaiters)
        keepDirectory(path.parent, now: moment.now, time: moment.time)
        return nil
    }

    /// A marker with content is copied, with the directory's attributes; nil: an empty one is made.
    private func markerMove(
        _ inode: InodeNumber, _ path: FileSystem.RenamePath, _ content: ListedObject?
    ) -> Move? {
        let record = intents.intents[path.old.marker]?.record
        if record?.want == .copy, intents.uncopiedSource(path.old.marker) != nil {
            return record?.source.map {
                Move(old: path.old.marker, new: path.new.marker, source: $0, inode: inode)
            }
        }
        return content.map {
            let version = BaseVersion($0)
            return Move(
                old: path.old.marker, new: path.new.marker,
                source: CopySource(address: path.old.marker, version: version), inode: inode)
        }
    }

    private func tree(
        _ path: FileSystem.RenamePath, _ objects: [ListedObject]
    ) throws(FileSystemError) -> Tree {
        var tree = Tree()
        for object in objects {
            let old = ObjectAddress(bucket: path.old.marker.bucket, key: object.key)
            // The marker is made anew, unless somebody keeps something in it.
            if old == path.old.marker {
                if object.size > 0 { tree.content = object }
                continue
            }
            tree.tags[old] = object.etag
            let record = intents.intents[old]?.record
            let version = BaseVersion(object)
            switch record?.want {
            case .put, .makeDirectory, .delete, .removeDirectory: continue
            case .copy where intents.uncopiedSource(old) != nil: continue
            case .copy, .metadata, nil:
                // Attributes that were changed here belong to the version that was there.
                tree.moves.append(
                    Move(
                        old: old, new: try renamed(old, path),
                        source: CopySource(address: old, version: version),
                        inode: record?.want == .metadata && record?.base == object.etag
                            ? record?.inode : nil))
            }
        }
        let below = KeyPrefix(marker: path.old.marker)
        for old in intents.pendingKeys(under: below).sorted(by: { $0.key < $1.key })
        where old != path.old.marker {
            guard let record = intents.intents[old]?.record else { continue }
            switch record.want {
            case .put, .makeDirectory: tree.unsent.append((old, try renamed(old, path)))
            case .copy:
                // One that is done was listed.
                guard intents.uncopiedSource(old) != nil, let source = record.source else {
                    continue
                }
                tree.moves.append(
                    Move(
                        old: old, new: try renamed(old, path), source: source,
                        inode: record.inode))
            // Without an object there is nothing whose attributes could be changed.
            case .metadata, .delete, .removeDirectory: continue
            }
        }
        for old in tree.moves.map(\.old) + tree.unsent.map(\.old) {
            // Those between the renamed directory and what moves, its own included if it is one.
            tree.directories.formUnion(
                old.directories.filter { $0 != below && below.contains($0) }.compactMap(\.marker))
        }
        return tree
    }

    /// The old name stays hidden until nothing is left below it. Where the bucket has nothing, and no late
    /// request can bring something there, nothing has to be hidden or deleted.
    private mutating func removeOldDirectory(
        _ marker: ObjectAddress, after: ObjectAddress?, _ moment: FileSystem.Moment
    ) {
        setIntent(
            IntentRecord(
                address: marker, want: .removeDirectory, inode: nil, base: nil, after: after,
                born: moment.time),
            now: moment.now, held: false)
    }

    private func renamed(
        _ address: ObjectAddress, _ path: FileSystem.RenamePath
    ) throws(FileSystemError) -> ObjectAddress {
        guard let new = path.renamed(address) else { throw .nameTooLong }
        return new
    }

    /// An unsent change below a renamed directory goes to its new key.
    private mutating func rekey(
        _ old: ObjectAddress, to new: ObjectAddress, listed: ETag?, _ moment: FileSystem.Moment
    ) {
        guard let intent = intents.intents[old], let inode = intent.record.inode else { return }
        let waiters = intents.takeWaiters(old)
        intents.moveFollowers(from: old, to: new)
        let earlier = earlierContent(of: inode, at: old)
        // A marker's intent does not say whether there is one.
        if intent.record.want == .makeDirectory { _ = intents.setBase(old, listed) }
        wantDelete(
            old, known: nil, after: new, isOpen: false, now: moment.now, time: moment.time)
        var record = intent.record
        if record.want == .put { record.source = earlier }
        inodes[inode]?.base = nil
        inodes[inode]?.replacing = false
        record.address = new
        // An older object at the new key may still wait to be deleted: it is replaced instead.
        record.base = intents.intents[new]?.record.base
        record.after = nil
        saveNode(inode)
        setIntent(record, now: moment.now, held: intent.held)
        intents.addWaiters(new, waiters)
    }
}
