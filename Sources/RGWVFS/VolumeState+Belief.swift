import RGWBase
import RGWObject
import RGWSpool

/// Which parts of a file's metadata were changed here and are not in the bucket yet. ctime always is.
struct OwnChanges: OptionSet, Sendable {
    let rawValue: UInt8
    static let permissions = OwnChanges(rawValue: 1)
    static let uid = OwnChanges(rawValue: 2)
    static let gid = OwnChanges(rawValue: 4)
    static let atime = OwnChanges(rawValue: 8)
    static let mtime = OwnChanges(rawValue: 16)
    static let extended = OwnChanges(rawValue: 32)
}

/// Metadata that another client changed: conditions are on the ETag, which a change of metadata leaves as it is. What
/// was believed for a while is therefore looked at before a change goes up, and only what was changed here is
/// put in the place of what is there.
extension VolumeState {
    /// What is as young as this needs no look. Not shorter: `chmod -R` and its like look at each file just before
    /// they change it, and are to cost what they did.
    private static let believedMax = Duration.seconds(1)

    mutating func noteOwn(_ inode: InodeNumber, _ changes: OwnChanges) {
        inodes.change(inode) { $0.ownChanges.formUnion(changes) }
    }

    /// A change begins that replaces the object's metadata.
    mutating func noteBelief(_ inode: InodeNumber, _ address: ObjectAddress, now: Instant) {
        guard intents.intents[address] == nil, intents.flights[address] == nil else {
            // A renamed file's object is still under its old name, and was not looked at for that.
            if isMoved(inode) { noteOld(inode, now: now) }
            return
        }
        noteOld(inode, now: now)
    }

    private mutating func noteOld(_ inode: InodeNumber, now: Instant) {
        inodes.change(inode) {
            $0.needsLook = $0.base != nil && now >= $0.checkedAt + Self.believedMax
        }
    }

    /// The object must be seen before this is sent.
    func looksFirst(_ flight: IntentTable.Flight) -> Bool {
        guard let inode = flight.inode, address(inode) == flight.address else { return false }
        switch flight.want {
        case .put, .metadata, .makeDirectory, .copy:
            return inodes.look(inode) { $0.needsLook } == true
        case .delete, .removeDirectory: return false
        }
    }

    /// chmod, chown and chgrp by name mean whatever has the name: another client's newer version gets them too.
    /// Times belong to the content they were set for, extended attributes may, and rights to run as somebody else were
    /// given to other bytes: those are refused. False: it is to be refused.
    mutating func applyToNewer(_ flight: IntentTable.Flight, _ head: ObjectHead) -> Bool {
        guard let inode = flight.inode, let known = inodes[inode], address(inode) == flight.address,
            intents.intents[flight.address]?.revision == flight.revision,
            known.attributes.kind == .regular, known.writers == 0, !known.unflushed,
            !known.ownChanges.isEmpty,
            known.ownChanges.isSubset(of: [.permissions, .uid, .gid]),
            known.attributes.permissions & 0o7000 == 0
        else { return false }
        let theirs = PosixMetadata.attributes(of: head, isMarker: false, defaults: defaults)
        // Tags would have to be asked for.
        guard theirs.kind == .regular, head.metadata.tagCount == 0 else { return false }
        inodes[inode]?.base = BaseVersion(head)
        inodes[inode]?.foreignVersion += 1
        noteForeignSize(known, head.size)
        inodes[inode]?.attributes.size = head.size
        inodes[inode]?.symlinkTarget = nil
        reads.drop(inode)
        dropOldCopy(inode)
        noteContent(inode)
        return mergeLook(flight, head) != nil
    }

    /// Takes in what another client changed beside the bytes. Returns the metadata to send; nil: the file has
    /// gone elsewhere.
    mutating func mergeLook(_ flight: IntentTable.Flight, _ head: ObjectHead) -> ObjectMetadata? {
        guard let inode = flight.inode, let known = inodes[inode] else { return nil }
        inodes[inode]?.needsLook = false
        let theirs = PosixMetadata.attributes(
            of: head, isMarker: known.isDirectory, defaults: defaults)
        let own = known.ownChanges
        var attributes = known.attributes
        if !own.contains(.permissions) { attributes.permissions = theirs.permissions }
        if !own.contains(.uid) { attributes.uid = theirs.uid }
        if !own.contains(.gid) { attributes.gid = theirs.gid }
        if !own.contains(.atime) { attributes.atime = theirs.atime }
        if !own.contains(.mtime), !known.isDirectory { attributes.mtime = theirs.mtime }
        // Tags are asked for anew: HEAD tells only how many there are.
        var metadata = head.metadata
        if own.contains(.extended) {
            let header = ExtendedAttributes.header
            metadata.user[header] = known.metadata.user[header]
        }
        if attributes != known.attributes || metadata != known.metadata {
            inodes[inode]?.attributes = attributes
            inodes[inode]?.metadata = metadata
            noteAttributes(inode)
            saveNode(inode)
        }
        return PosixMetadata.merge(attributes, into: metadata)
    }
}
