import RGWBase
import RGWObject
import RGWSpool

/// Answers from what is known, or says what must be fetched first.
extension VolumeState {
    enum Resolution {
        case found(InodeNumber)
        case absent
        case need(Need)
    }

    /// Looks a name up. `since`: when the operation began; knowledge as young as that always counts.
    mutating func resolve(
        _ parent: InodeNumber, _ name: EntryName, now: Instant, since: Instant, time: WallTime
    ) throws(FileSystemError) -> Resolution {
        guard let isDirectory = inodes.look(parent, { $0.isDirectory }) else { throw .stale }
        guard isDirectory else { throw .notDirectory }
        if isTaken(parent) { throw .stale }
        // No copy of the directory is held here: promoting a name would copy all its names.
        switch inodes.look(parent, { $0.directory?[name] }) {
        case .inode(let child):
            if let need = nameNeed(child, now: now, since: since) { return .need(need) }
            return .found(child)
        case .listed(let listed):
            let child = promote(parent, name, listed, time: time)
            if let need = nameNeed(child, now: now, since: since) { return .need(need) }
            return .found(child)
        case nil:
            guard let directory = inodes[parent]?.directory else { throw .notDirectory }
            return try resolveUnknown(parent, name, directory, now: now, since: since)
        }
    }

    /// What must be fetched before a name is taken to exist; nil: nothing.
    private func nameNeed(_ child: InodeNumber, now: Instant, since: Instant) -> Need? {
        guard configuration.lookupCache == .none, let known = inodes[child],
            known.checkedAt < since, !isLocal(child), !hasOwnChanges(child)
        else { return attributeNeed(child, now: now, since: since) }
        return listNeed(child, known, since: since) ?? .head(child)
    }

    /// The inode of a name that must exist.
    mutating func existing(
        _ parent: InodeNumber, _ name: EntryName, _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> FileSystem.Step<InodeNumber> {
        switch try resolve(parent, name, now: moment.now, since: moment.since, time: moment.time) {
        case .found(let inode): return .done(inode)
        case .absent: throw .notFound
        case .need(let need): return .need(need)
        }
    }

    /// The inode of a name that is to be removed: what it is called and whether it is a directory is all
    /// that matters, and its tag, which goes with the deletion.
    mutating func removable(
        _ parent: InodeNumber, _ name: EntryName, _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> FileSystem.Step<InodeNumber> {
        let isPaged =
            inodes[parent]?.directory?.pagedAt.map {
                moment.now < $0 + configuration.directoryAttributesMin
            } ?? false
        let isListed =
            isPaged || isListingFresh(parent, now: moment.now, since: moment.since)
        switch inodes[parent]?.directory?[name] {
        case .inode(let child)
        where isListed && inodes.look(child, { $0.checkedAt != .distantPast }) ?? false:
            return .done(child)
        case .listed(let listed) where isListed:
            return .done(promote(parent, name, listed, time: moment.time))
        case .inode, .listed, nil: return try existing(parent, name, moment)
        }
    }

    private func resolveUnknown(
        _ parent: InodeNumber, _ name: EntryName, _ directory: Directory, now: Instant,
        since: Instant
    ) throws(FileSystemError) -> Resolution {
        if layout.isAllBuckets, parent == .root {
            return isListingFresh(parent, now: now, since: since) ? .absent : .need(.list(parent))
        }
        // A name that is not here but has unsent changes was deleted through this mount. One that an earlier
        // mount deleted may have become the name of something else.
        let both = try addresses(parent, name)
        let removed = (intents.isUndone(both.file), intents.isUndone(both.marker))
        if removed.0, removed.1 { return .absent }
        if removed.0 || removed.1, directory.listedAt != nil { return .absent }
        guard configuration.lookupCache == .all || directory.isNew else {
            let at = max(directory.listedAt ?? .distantPast, directory.absent[name] ?? .distantPast)
            return at >= since ? .absent : .need(.probe(parent, name))
        }
        if isListingFresh(parent, now: now, since: since) { return .absent }
        if let at = directory.absent[name],
            at >= since || now < at + configuration.directoryAttributesMin
        {
            return .absent
        }
        let isDenied = directory.deniedAt.map {
            $0 >= since || now < $0 + configuration.directoryAttributesMin
        }
        return .need(
            directory.isLarge || isDenied ?? false ? .probe(parent, name) : .list(parent))
    }

    func isListingFresh(_ inode: InodeNumber, now: Instant, since: Instant) -> Bool {
        // What the bucket has never had, nobody but this mount knows.
        let isUnsent = inodes.look(inode) {
            $0.directory?.isNew == true && $0.directory?.hasSent == false
        }
        if isUnsent == true { return true }
        guard let at = inodes.look(inode, { $0.directory?.listedAt }) else { return false }
        return at >= since || now < at + configuration.directoryAttributesMin
    }

    /// What must be fetched before the inode's attributes may be shown; nil: nothing.
    func attributeNeed(_ inode: InodeNumber, now: Instant, since: Instant) -> Need? {
        guard let known = inodes[inode] else { return nil }
        if inode != .root, known.link == nil { return nil }
        if known.attributesKnown || hasOwnChanges(inode) && !isMoved(inode) {
            let isOwn = isLocal(inode) && !isSettled(inode) && !isSettledCopy(inode)
            if known.isFresh(now: now, since: since) || isOwn { return nil }
            return listNeed(inode, known, since: since) ?? .head(inode)
        }
        // LIST shows Swift's large objects like empty files: the one is told from the other by HEAD.
        guard configuration.attributeSource == .list, known.base?.etag != .ofNothing else {
            return .head(inode)
        }
        if inode == .root || known.isFresh(now: now, since: since) { return nil }
        return listNeed(inode, known, since: since) ?? .head(inode)
    }

    /// The listing that tells all there is to tell of a name that the bucket has; nil: it has been asked already, or
    /// says nothing of this name.
    private func listNeed(_ inode: InodeNumber, _ known: Inode, since: Instant) -> Need? {
        guard configuration.attributeSource == .list || isVouchedByListing(known),
            let link = known.link,
            !(layout.isAllBuckets && link.parent == .root), !isLocal(inode),
            let (isLarge, isAsked) = inodes.look(
                link.parent,
                { parent in
                    parent.directory.map { ($0.isLarge, $0.isAsked(for: link.name, since: since)) }
                }) ?? nil, !isAsked
        else { return nil }
        return isLarge ? .names(link.parent, link.name) : .list(link.parent)
    }

    /// Before a change: the object's own metadata must be known, so that nothing of it is dropped.
    func changeNeed(_ inode: InodeNumber, now: Instant, since: Instant) -> Need? {
        guard let known = inodes[inode] else { return nil }
        if inode != .root, known.link == nil { return nil }
        let need =
            known.attributesKnown || hasOwnChanges(inode) && !isMoved(inode)
            ? attributeNeed(inode, now: now, since: since) : .head(inode)
        if let need { return need }
        return known.metadata.tagCount > 0 && known.metadata.tags == nil ? .tags(inode) : nil
    }

    /// What lookup, create and their kin answer; takes one lookup count.
    mutating func entryAnswer(
        _ inode: InodeNumber, now: Instant
    ) throws(FileSystemError)
        -> EntryAnswer
    {
        guard let known = inodes[inode] else { throw .stale }
        inodes[inode]?.lookups += 1
        noteTold(known)
        let timeout = remainingLifetime(known, now: now)
        return EntryAnswer(
            inode: inode, attributes: known.attributes,
            entryTimeout: configuration.lookupCache == .none ? .zero : timeout,
            attributeTimeout: timeout)
    }

    mutating func attributeAnswer(
        _ inode: InodeNumber, now: Instant
    ) throws(FileSystemError)
        -> AttributeAnswer
    {
        guard let known = inodes[inode], !known.isMistaken else { throw .stale }
        // Who has it open may go on looking at it.
        if known.opens == 0, isTaken(inode) { throw .stale }
        noteTold(known)
        return AttributeAnswer(
            inode: inode, attributes: known.attributes,
            timeout: remainingLifetime(known, now: now),
            isRemoved: inode != .root && known.link == nil)
    }

    /// How long the kernel may believe what it is told. A file that is being written changes here first.
    private func remainingLifetime(_ inode: Inode, now: Instant) -> Duration {
        if isLocal(inode.number) {
            return inode.isDirectory
                ? configuration.directoryAttributesMin : configuration.fileAttributesMin
        }
        return max(.zero, inode.checkedAt + inode.lifetime - now)
    }
}
