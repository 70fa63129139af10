import RGWBase
import RGWObject
import RGWSpool

/// Directories' own objects: markers that other programs keep something in, and those without a slash.
extension VolumeState {
    /// What a listing says of the directory's own key.
    mutating func noteMarker(_ inode: InodeNumber, _ listed: ListedObject, at: Instant) {
        if takesVouched(inode, BaseVersion(listed), at: at) { return }
        guard let base = inodes[inode]?.base, !base.etag.isSame(as: listed.etag),
            !hasOwnChanges(inode)
        else { return }
        // Another version: what is changed of it must be known first.
        inodes[inode]?.distrust()
        inodes[inode]?.attributesKnown = false
    }

    /// The marker's version when it has content, which goes along with every change; nil: an empty one is made.
    func markerContent(_ inode: InodeNumber?) -> BaseVersion? {
        guard let known = inode.flatMap({ inodes[$0] }), known.isDirectory, let base = known.base,
            base.size > 0
        else { return nil }
        return base
    }

    /// What the server has instead of the marker that was to be changed; nil: nothing.
    mutating func learnMarker(_ inode: InodeNumber?, _ head: ObjectHead?) {
        guard let inode, inodes[inode]?.isDirectory == true else { return }
        inodes[inode]?.base = head.map {
            BaseVersion($0)
        }
    }

    // MARK: Without a slash

    /// HEAD said of this version that it is a directory. LIST's times are finer than HEAD's.
    func isOldMarker(_ parent: InodeNumber, _ name: EntryName, _ version: BaseVersion) -> Bool {
        guard let old = inodes.look(parent, { $0.directory?.oldMarkers[name] }) ?? nil else {
            return false
        }
        return old.isSameToTheSecond(as: version)
    }

    /// An empty object beside the directory that was not looked at; nil: there is none.
    func shadow(_ inode: InodeNumber) -> ObjectAddress? {
        guard let link = inodes.look(inode, { $0.link }) ?? nil,
            inodes.look(link.parent, { $0.directory?.shadowed[link.name] }) ?? nil != nil
        else { return nil }
        return try? addresses(link.parent, link.name).file
    }

    /// What was found there; nil: nothing that stands for the directory.
    mutating func noteShadow(_ inode: InodeNumber, _ head: ObjectHead?) {
        guard let link = inodes[inode]?.link else { return }
        inodes[link.parent]?.directory?.shadowed[link.name] = nil
        guard let head, PosixMetadata.isOldMarker(head) else { return }
        inodes[link.parent]?.directory?.oldMarkers[link.name] = BaseVersion(head)
    }

    /// The key of the object that stands for a directory without a marker; nil: there is none.
    func oldMarker(_ inode: InodeNumber) -> ObjectAddress? {
        guard let link = inodes.look(inode, { $0.link }) ?? nil,
            inodes.look(link.parent, { $0.directory?.oldMarkers[link.name] }) ?? nil != nil
        else { return nil }
        return try? addresses(link.parent, link.name).file
    }

    /// What was taken for a file is a directory: another inode has its name.
    mutating func absorbOldMarker(
        _ inode: InodeNumber, _ head: ObjectHead, _ attributes: FileAttributes, startedAt: Instant
    ) {
        guard let known = inodes[inode], let link = known.link, !isMoved(inode) else { return }
        if known.lookups > 0 { inodes[inode]?.isMistaken = true }
        detach(inode)
        inodes[link.parent]?.directory?.oldMarkers[link.name] = BaseVersion(head)
        let number = number(of: link.name, isDirectory: true, in: link.parent)
        let directory = promote(
            link.parent, link.name,
            Directory.Listed(number: number, object: nil, seenAt: startedAt),
            time: head.lastModified)
        absorbOldAttributes(directory, attributes, startedAt: startedAt)
    }

    mutating func absorbOldAttributes(
        _ inode: InodeNumber, _ attributes: FileAttributes, startedAt: Instant
    ) {
        guard inodes[inode]?.isDirectory == true, !hasOwnChanges(inode) else { return }
        inodes[inode]?.attributes = attributes
        absorbImplicit(inode, startedAt: startedAt)
    }

    mutating func forgetOldMarker(_ inode: InodeNumber) {
        guard let link = inodes[inode]?.link else { return }
        inodes[link.parent]?.directory?.oldMarkers[link.name] = nil
    }

    /// The directory is removed or renamed: the object without a slash would bring it back.
    mutating func removeOldMarker(
        _ parent: InodeNumber, _ name: EntryName, after: ObjectAddress?, now: Instant,
        time: WallTime
    ) {
        guard let old = inodes[parent]?.directory?.oldMarkers.removeValue(forKey: name),
            let file = try? addresses(parent, name).file
        else { return }
        wantDelete(file, known: old.etag, after: after, isOpen: false, now: now, time: time)
    }

    // MARK: Manifests

    /// One of Swift's large objects is read as a whole, but what changes it here would change a manifest: its
    /// metadata, or the bytes that stand for others.
    func refuseManifest(_ inode: InodeNumber) throws(FileSystemError) {
        if inodes.look(inode, { $0.base?.etag.isOfSegments ?? false && $0.dataID == nil }) == true {
            throw .notSupported
        }
    }
}
