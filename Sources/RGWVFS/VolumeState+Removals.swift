import RGWBase
import RGWObject
import RGWSpool

/// `rm -rf`: the kernel looks each name up just before it removes it, and nothing but what kind of file it
/// is matters then. The listing tells that, except for small objects that may be symbolic links.
///
/// Where names of a directory are being removed one after another, the next ones are answered from the
/// listing, with attributes that the kernel must ask for again before it uses them.
extension VolumeState {
    /// How many names must have been removed in a row before a small object is taken for one more.
    private static let removalsMin = 4
    /// A larger object is no symbolic link. Source: PATH_MAX, limits.h.
    private static let linkMax: UInt64 = 4096

    /// The name is most likely looked up only to be removed.
    func isBeingRemoved(_ inode: InodeNumber, in parent: InodeNumber) -> Bool {
        guard removals.count > 0, let known = inodes[inode], let above = inodes[parent],
            // Who may remove in a sticky directory depends on the file's owner. Source: inode(7).
            above.attributes.permissions & 0o1000 == 0, configuration.attributeSource == .posix
        else { return false }
        if known.isDirectory || known.attributesKnown { return true }
        guard let base = known.base else { return false }
        if base.size > Self.linkMax { return true }
        return removals.count >= Self.removalsMin && removals.parent == parent
    }

    /// What the listing says, to be asked for again before it is used; takes one lookup count.
    mutating func unreadAnswer(_ inode: InodeNumber) throws(FileSystemError) -> EntryAnswer {
        guard let known = inodes[inode] else { throw .stale }
        inodes[inode]?.lookups += 1
        return EntryAnswer(
            inode: inode, attributes: known.attributes, entryTimeout: .zero, attributeTimeout: .zero
        )
    }
}
