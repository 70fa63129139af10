import RGWBase
import RGWObject

/// What setattr changes, and what other changes take away with them.
extension VolumeState {
    /// chmod, chown, utimensat, and the privileges that a truncation or a new owner takes away.
    /// Permission was checked by the kernel (default_permissions).
    mutating func change(
        _ inode: InodeNumber, _ changes: AttributeChanges, _ moment: FileSystem.Moment
    ) throws(FileSystemError) {
        guard let known = inodes[inode] else { throw .stale }
        if isReadOnly, changes.isChange { throw .readOnly }
        // The root of all buckets is no object that could keep them.
        if inode == .root, layout.isAllBuckets, changes.isChange { throw .notPermitted }
        var attributes = known.attributes
        if let uid = changes.uid { attributes.uid = uid }
        if let gid = changes.gid { attributes.gid = gid }
        if let permissions = changes.permissions { attributes.permissions = permissions & 0o7777 }
        switch changes.atime {
        case .now: attributes.atime = moment.time
        case .at(let time): attributes.atime = time
        case nil: break
        }
        switch changes.mtime {
        case .now: attributes.mtime = moment.time
        case .at(let time): attributes.mtime = time
        case nil: break
        }
        if changes.isChange {
            // POSIX: chmod, chown and utimensat mark the status change also when nothing differs.
            attributes.ctime = changes.ctime ?? moment.time
            inodes[inode]?.attributes = attributes
            noteOwn(inode, changes.own)
            if inode == .root || known.link != nil {
                wantMetadata(inode, now: moment.now, time: moment.time)
            }
        }
        let hasNewOwner = changes.uid != nil || changes.gid != nil
        if hasNewOwner && changes.permissions == nil || changes.dropsPrivileges {
            _ = dropPrivileges(inode, moment)
        }
    }

    /// Takes set-user-ID, set-group-ID (of a program) and file capabilities away, as Linux does when
    /// somebody without CAP_FSETID writes or truncates, and when anybody gives a file another owner.
    /// The kernel leaves that to the filesystem (HANDLE_KILLPRIV_V2). Source: linux/fuse.h; attr.c,
    /// setattr_should_drop_suidgid. Returns whether there was something to take.
    mutating func dropPrivileges(_ inode: InodeNumber, _ moment: FileSystem.Moment) -> Bool {
        guard let known = inodes[inode], !known.isDirectory else { return false }
        var permissions = known.attributes.permissions & ~0o4000
        if permissions & 0o2010 == 0o2010 { permissions &= ~0o2000 }
        let header = known.metadata.user[ExtendedAttributes.header]
        var rest = header
        if header != nil, var extended = ExtendedAttributes(header: header),
            extended[AttributeSpace.capability] != nil
        {
            extended[AttributeSpace.capability] = nil
            rest = extended.text
        }
        if permissions == known.attributes.permissions, rest == header { return false }
        inodes[inode]?.attributes.permissions = permissions
        inodes[inode]?.attributes.ctime = moment.time
        inodes[inode]?.metadata.user[ExtendedAttributes.header] = rest
        noteOwn(inode, rest == header ? .permissions : [.permissions, .extended])
        if known.link != nil { wantMetadata(inode, now: moment.now, time: moment.time) }
        return true
    }
}

extension AttributeChanges {
    /// Asks for more than another size.
    fileprivate var isChange: Bool {
        permissions != nil || uid != nil || gid != nil || atime != nil || mtime != nil
    }

    fileprivate var own: OwnChanges {
        var own = OwnChanges()
        if permissions != nil { own.insert(.permissions) }
        if uid != nil { own.insert(.uid) }
        if gid != nil { own.insert(.gid) }
        if atime != nil { own.insert(.atime) }
        if mtime != nil { own.insert(.mtime) }
        return own
    }
}
