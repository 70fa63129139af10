import RGWBase
import RGWObject
import RGWSpool

/// New names, removed directories, and what is asked for ahead.
extension VolumeState {
    /// Makes a new file or directory under a name that must be free. Its intent is the caller's part.
    mutating func make(
        _ parent: InodeNumber, _ name: EntryName, _ attributes: FileAttributes,
        content: Inode.Content, _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> FileSystem.Step<InodeNumber> {
        if isReadOnly { throw .readOnly }
        if layout.isAllBuckets, parent == .root { throw .notPermitted }
        if isQuotaFull(moment.now) { throw .quotaExceeded }
        switch try resolve(parent, name, now: moment.now, since: moment.since, time: moment.time) {
        case .found: throw .exists
        case .need(let need): return .need(need)
        case .absent: break
        }
        // Only the attributes: holding the directory would make each new name copy all its names.
        guard let above = inodes.look(parent, { $0.attributes }) else { throw .stale }
        let both = try addresses(parent, name)
        let key = attributes.kind == .directory ? both.marker : both.file
        if rights.isRefused(key, now: moment.now) { throw .accessDenied }
        if let need = readersNeed(both.file) { return .need(need) }
        if attributes.kind == .directory, both.marker == both.file { throw .nameTooLong }
        var attributes = attributes
        if above.permissions & 0o2000 != 0 {
            // POSIX lets a set-group-ID directory give its group to what is made in it. Source: inode(7).
            attributes.gid = above.gid
            if attributes.kind == .directory { attributes.permissions |= 0o2000 }
        }
        let number = numbers.new()
        var inode = Inode(
            number: number, attributes: attributes, link: nil, base: nil, attributesKnown: true,
            checkedAt: moment.now, lifetime: configuration.fileAttributesMin)
        inode.content = content
        inode.metadata.contentType = contentType(name)
        inodes[number] = inode
        attach(number, to: parent, name)
        touch(parent, moment.time)
        return .done(number)
    }

    /// A removed file that is still open reads on from its object: its bytes are fetched before a new
    /// file of the name replaces that.
    func readersNeed(_ address: ObjectAddress) -> Need? {
        guard intents.intents[address]?.record.want == .delete,
            let inode = unlinked.first(where: { $0.value == address })?.key,
            let known = inodes[inode], known.dataID == nil, let base = known.base,
            base.size <= Self.keptForReadersMax
        else { return nil }
        return .hydrate(inode, length: base.size)
    }

    /// A larger file than this is stale for its readers when another file takes its place.
    static let keptForReadersMax: UInt64 = 1 << 30

    /// What must be known before a directory may be removed or replaced; nil: it is empty.
    mutating func emptyNeed(
        _ inode: InodeNumber, _ moment: FileSystem.Moment
    )
        throws(FileSystemError) -> Need?
    {
        guard inode != .root, let known = inodes[inode] else { throw .stale }
        guard let directory = known.directory else { throw .notDirectory }
        // Names of a large directory stay known long after they were listed.
        let isSeen = directory.isLarge ? directory.inodeCount > 0 : directory.entryCount > 0
        if isSeen || directory.occupiedAt ?? .distantPast >= moment.since { throw .notEmpty }
        // Another client may have filled it since it was listed; only a directory that the bucket has
        // never had needs no asking.
        let isUnsent = address(inode).map { isUnsentDirectory(inode, marker: $0) } ?? false
        guard isUnsent || directory.listedAt ?? .distantPast >= moment.since else {
            if let denied = directory.deniedAt, denied >= moment.since { throw .accessDenied }
            return directory.isLarge ? .scan(inode) : .list(inode)
        }
        // What another program keeps at the directory's own key would be deleted with it.
        if directory.hidden > 0 || directory.markerBytes > 0 { throw .notEmpty }
        if shadow(inode) != nil { return .head(inode) }
        return nil
    }

    /// An empty directory goes. Its marker is deleted after everything below it.
    mutating func removeDirectory(_ inode: InodeNumber, now: Instant, time: WallTime) {
        guard let known = inodes[inode], let link = known.link, let marker = address(inode) else {
            return
        }
        let isUnsent = isUnsentDirectory(inode, marker: marker)
        let pending = intents.pendingBelow(KeyPrefix(marker: marker), marker: marker)
        if isUnsent || !(known.directory?.hasMarker ?? true), pending == 0 {
            dropIntent(marker)
        } else {
            if let node = intents.intents[marker]?.record.inode {
                journal.append(.removeNode(node))
            }
            setIntent(
                IntentRecord(
                    address: marker, want: .removeDirectory, inode: nil, base: nil, after: nil,
                    born: time),
                now: now, held: false)
        }
        inodes[inode]?.isRemovedHere = true
        removeOldMarker(link.parent, link.name, after: nil, now: now, time: time)
        detach(inode)
        touch(link.parent, time)
        keepDirectory(link.parent, now: now, time: time)
    }

    /// Made here, and nothing of it has been sent.
    private func isUnsentDirectory(_ inode: InodeNumber, marker: ObjectAddress) -> Bool {
        intents.intents[marker]?.record.want == .makeDirectory
            && inodes[inode]?.directory?.isNew == true && inodes[inode]?.base == nil
            && intents.flights[marker] == nil && !intents.isUncertain(marker)
    }
}

extension FileAttributes {
    /// Of what `caller` makes. Links have all permissions, whatever the umask. Source: symlink(7).
    init(madeBy caller: Caller, _ kind: FileKind, permissions: UInt32, at time: WallTime) {
        let masked = kind == .symlink ? permissions : permissions & ~caller.umask
        self.init(
            kind: kind, permissions: masked & 0o7777, uid: caller.uid, gid: caller.gid,
            mtime: time, ctime: time, atime: time)
    }
}
