import RGWBase

/// Names that another client took away, and attributes of versions that the kernel has not heard of.
extension VolumeState {
    /// Another client removed or replaced it, or a directory above it. Nothing may be changed in what has no
    /// name any more, and the kernel has to look the name up again; it does so once when it is answered
    /// ESTALE. Source: linux fs/namei.c, retry_estale.
    func isTaken(_ inode: InodeNumber) -> Bool {
        var current = inode
        while current != .root {
            guard let isRemovedHere = inodes.look(current, { $0.isRemovedHere }) else {
                return true
            }
            guard let link = inodes.look(current, { $0.link }) else { return !isRemovedHere }
            current = link.parent
        }
        return false
    }

    /// Its removal was refused: the name leads to the object again, and the kernel's file to nothing.
    mutating func isNotRemoved(_ inode: InodeNumber) {
        if inodes[inode]?.link == nil { inodes[inode]?.isRemovedHere = false }
    }

    /// Another client took the name.
    mutating func take(_ inode: InodeNumber) {
        if let link = inodes[inode]?.link { noteName(link, of: inode) }
        // A copy of what the bucket had; whoever reads it has it open.
        dropData(inode)
        if inodes.look(inode, { $0.opens }) == 0 { dropBytes(inode) }
        detach(inode)
    }

    /// The kernel is told the attributes as they are now, its size included. While a write is under way it may not
    /// take them. Source: linux fs/fuse/inode.c, fuse_change_attributes.
    mutating func noteTold(_ known: Inode) {
        if known.toldVersion != known.foreignVersion {
            inodes[known.number]?.toldVersion = known.foreignVersion
        }
        if known.appendShift != nil, known.writesUnderWay == 0 {
            inodes[known.number]?.appendShift?.tell()
        }
    }

    /// What this reader was given is of a version that is gone. Told the size of the newer one, the kernel would end
    /// the file there in the middle of the older one's bytes, without an error: between two reads it asks for
    /// the size by the handle. Source: linux fs/fuse/file.c, fuse_cache_read_iter.
    func isOutdated(_ handle: HandleID) -> Bool {
        guard let file = files[handle], !file.flags.write else { return false }
        return inodes.look(file.inode) {
            $0.dataID == nil && $0.base != nil && $0.foreignVersion != file.foreignVersion
        } == true
    }

    /// Longest time between an ESTALE of open and the next try. The kernel tries at once.
    private static let reopenMax = Duration.seconds(10)

    /// The kernel believes attributes of an older version than the one that is opened: it would show one's size
    /// with the other's bytes, and append where the older one ended. The open is answered ESTALE then, and tried
    /// again with what the lookup in between has told.
    mutating func isBehind(_ inode: InodeNumber, _ now: Instant) -> Bool {
        guard let known = inodes[inode], known.toldVersion != known.foreignVersion else {
            return false
        }
        let isSecond = known.reopenedAt.map { now < $0 + Self.reopenMax } ?? false
        if !isSecond { inodes[inode]?.reopenedAt = now }
        return true
    }
}
