import RGWBase
import RGWObject
import RGWSpool

/// Paths, addresses and the tree of names.
extension VolumeState {
    /// The names from the root to an inode; nil when it has no name any more.
    func path(_ inode: InodeNumber) -> [EntryName]? {
        var names: [EntryName] = []
        var current = inode
        while current != .root {
            guard let link = inodes.look(current, { $0.link }) else { return nil }
            names.append(link.name)
            current = link.parent
        }
        names.reverse()
        return names
    }

    /// Where the inode's object (or marker) is; nil when it has no name.
    func address(_ inode: InodeNumber) -> ObjectAddress? {
        guard let names = path(inode), let isDirectory = inodes.look(inode, { $0.isDirectory })
        else {
            return nil
        }
        return try? isDirectory ? layout.marker(names) : layout.file(names)
    }

    /// Both addresses that a name may have: as a file and as a directory. Where only a file's key is short
    /// enough, both are that.
    func addresses(
        _ parent: InodeNumber, _ name: EntryName
    ) throws(FileSystemError)
        -> (file: ObjectAddress, marker: ObjectAddress)
    {
        guard var names = path(parent) else { throw .stale }
        names.append(name)
        let file = try layout.file(names)
        return (file, (try? layout.marker(names)) ?? file)
    }

    /// The inode stands for a whole bucket, or for the prefix that is mounted.
    func isBucket(_ inode: InodeNumber) -> Bool {
        layout.isAllBuckets ? inodes[inode]?.link?.parent == .root : inode == .root
    }

    /// What every key below a directory starts with; nil when it has no name.
    func prefix(_ directory: InodeNumber) -> KeyPrefix? {
        path(directory).map { layout.prefix($0) }
    }

    /// Local changes make the mount's own knowledge the truth: of the inode, or of names below it.
    func isLocal(_ inode: InodeNumber) -> Bool {
        if hasOwnChanges(inode) { return true }
        guard inodes.look(inode, { $0.isDirectory }) == true, let address = address(inode),
            let prefix = prefix(inode)
        else { return false }
        return intents.pendingBelow(prefix, marker: address) > 0
    }

    /// The inode's own content or attributes differ from the bucket's, or are about to.
    func hasOwnChanges(_ inode: InodeNumber) -> Bool {
        let isOwn = inodes.look(inode) { known in
            // What the bucket has is only kept for those who read it.
            known.writers > 0 || known.dataID != nil && !(known.hasCopy && known.opens > 0)
        }
        if isOwn == true { return true }
        guard let address = address(inode) else { return true }
        return intents.isPending(address)
    }

    /// The name has local changes that the bucket does not show yet.
    func isLocal(_ parent: InodeNumber, _ name: EntryName) -> Bool {
        guard let both = try? addresses(parent, name) else { return false }
        if intents.isPending(both.file) || intents.isPending(both.marker) { return true }
        if case .inode(let inode) = inodes[parent]?.directory?[name] { return isLocal(inode) }
        return false
    }

    /// Makes an inode for a listed name.
    mutating func promote(
        _ parent: InodeNumber, _ name: EntryName, _ listed: Directory.Listed, time: WallTime
    ) -> InodeNumber {
        // Two names whose hashes are equal: whoever is known first has the number.
        let number = inodes[listed.number] == nil ? listed.number : numbers.new()
        let attributes: FileAttributes
        if let object = listed.object {
            attributes = PosixMetadata.attributes(
                listedSize: object.size, lastModified: object.lastModified, defaults: defaults)
        } else {
            let made = layout.isAllBuckets && parent == .root ? bucketTimes[name] : nil
            attributes = PosixMetadata.implicitDirectory(at: made ?? time, defaults: defaults)
        }
        inodes[number] = Inode(
            number: number, attributes: attributes,
            link: Inode.Link(parent: parent, name: name), base: listed.object,
            attributesKnown: false, checkedAt: listed.seenAt,
            lifetime: listed.object == nil
                ? configuration.directoryAttributesMin : configuration.fileAttributesMin)
        inodes[parent]?.directory?[name] = .inode(number)
        return number
    }

    /// Takes an inode's name away. The inode lives on while it is open or the kernel holds it.
    mutating func detach(_ inode: InodeNumber) {
        guard let link = inodes[inode]?.link else { return }
        leaveHome(inode, link)
        if case .inode(inode) = inodes[link.parent]?.directory?[link.name] {
            inodes[link.parent]?.directory?[link.name] = nil
        }
        inodes[link.parent]?.directory?.occupiedAt = nil
        inodes[inode]?.link = nil
        evict(inode)
    }

    mutating func attach(_ inode: InodeNumber, to parent: InodeNumber, _ name: EntryName) {
        if let old = inodes.look(inode, { $0.link }) { leaveHome(inode, old) }
        inodes[inode]?.link = Inode.Link(parent: parent, name: name)
        keepHome(inode, to: parent, name)
        inodes.change(parent) {
            $0.directory?[name] = .inode(inode)
            $0.directory?.absent[name] = nil
        }
        let isDirectory = inodes.look(inode) { $0.isDirectory } ?? false
        numbers.moved(inode, to: name, isDirectory: isDirectory, in: parent)
    }

    /// POSIX: a change of a directory's names moves its mtime and ctime (kept in memory, sent with the
    /// marker's next change).
    mutating func touch(_ directory: InodeNumber, _ time: WallTime) {
        inodes.change(directory) {
            $0.attributes.mtime = time
            $0.attributes.ctime = time
            $0.directory?.touchedAt = time
        }
    }

    /// Gives lookup counts back. Rule: an inode survives until its count reaches 0 and it is not in use.
    /// Source: libfuse 3.14, fuse_lowlevel.h, forget.
    mutating func forget(_ inode: InodeNumber, count: UInt64) {
        guard let held = inodes.look(inode, { $0.lookups }) else { return }
        inodes[inode]?.lookups = held - min(held, count)
        evict(inode)
    }

    /// Drops an inode that nobody needs; a clean one with a name leaves its listing entry behind.
    mutating func evict(_ inode: InodeNumber) {
        var current = inode
        while current != .root,
            inodes.look(current, { $0.lookups == 0 && $0.opens == 0 }) == true,
            let known = inodes[current]
        {
            guard let link = known.link else {
                reads.drop(current)
                // The number may be given to another file: none of the old one's rows is to be its.
                dropPartial(current)
                inodes[current] = nil
                numbers.free(current)
                return
            }
            // Loads under way count in the inode, and so do the names that they must not overwrite.
            guard !isLocal(current), known.directory?.inodeCount ?? 0 == 0,
                known.directory?.loads ?? 0 == 0
            else { return }
            let listed = Directory.Listed(
                number: current, object: known.isDirectory ? nil : known.base,
                seenAt: known.checkedAt)
            let isListed = known.isDirectory || known.base != nil
            inodes[link.parent]?.directory?[link.name] = isListed ? .listed(listed) : nil
            if !isListed {
                numbers.keep(current, of: link.name, isDirectory: false, in: link.parent)
            }
            reads.drop(current)
            dropPartial(current)
            keepNumbers(current)
            inodes[current] = nil
            current = link.parent
        }
    }

    /// The names of a directory are forgotten with it; their files keep their numbers.
    private mutating func keepNumbers(_ directory: InodeNumber) {
        for (name, entry) in inodes[directory]?.directory?.entries ?? [:] {
            guard case .listed(let listed) = entry else { continue }
            numbers.keep(
                listed.number, of: name, isDirectory: listed.object == nil, in: directory)
        }
    }

    /// Removes a data file once the journal no longer names it.
    mutating func discard(_ data: DataID) {
        undo?.discarded.insert(data)
        guard sealedData.remove(data) != nil else { return discarded.append(data) }
        undo?.sealed.insert(data)
        discardedSealed.append(data)
        barrier.isNeeded = true
    }
}
