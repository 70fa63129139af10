import RGWBase
import RGWObject
import RGWSpool

/// RENAME_EXCHANGE of two files: each takes the other's name in one transaction.
///
/// No copy in the bucket can do that without a third key, so both files' bytes come into the spool, and
/// each is uploaded to its new key. Directories are refused as by a filesystem without the flag: see
/// decision 18.
extension VolumeState {
    /// Changes nothing but what lookups absorb.
    mutating func planExchange(
        _ path: FileSystem.RenamePath, _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> FileSystem.Step<RenamePlan> {
        let found = try existing(path.parent, path.name, moment)
        guard case .done(let first) = found else { return found.asNeed() }
        let other = try existing(path.newParent, path.newName, moment)
        guard case .done(let second) = other else { return other.asNeed() }
        if first == second { return .done(.nothing) }
        for inode in [first, second] {
            if inodes[inode]?.isDirectory == true { throw .invalidArgument }
            if let need = changeNeed(inode, now: moment.now, since: moment.since) {
                return .need(need)
            }
            try refuseManifest(inode)
        }
        for address in [path.old.file, path.new.file] where intents.flights[address] != nil {
            return .need(.landing(address))
        }
        for inode in [first, second] {
            if let known = inodes[inode], known.dataID == nil, let base = known.base {
                return .need(.hydrate(inode, length: base.size))
            }
        }
        return .done(.exchange(first, second))
    }

    /// As planned.
    mutating func exchange(
        _ first: InodeNumber, _ second: InodeNumber, _ path: FileSystem.RenamePath,
        _ moment: FileSystem.Moment
    ) {
        let ends = [
            end(first, at: path.old.file, to: path.new.file, of: second),
            end(second, at: path.new.file, to: path.old.file, of: first),
        ]
        attach(first, to: path.newParent, path.newName)
        attach(second, to: path.parent, path.name)
        for end in ends { place(end, moment) }
        // An older name of a file is deleted after the upload of that file.
        intents.swapFollowers(path.old.file, path.new.file)
        saveReleased()
        touch(path.parent, moment.time)
        touch(path.newParent, moment.time)
    }

    /// One file on its way to the other's key.
    private struct End {
        var inode: InodeNumber
        var target: ObjectAddress
        /// The tag that the other's key has now.
        var base: ETag?
        var isHeld: Bool
        var waiters: [IntentTable.Waiting]
    }

    private mutating func end(
        _ inode: InodeNumber, at address: ObjectAddress, to target: ObjectAddress,
        of other: InodeNumber
    ) -> End {
        End(
            inode: inode, target: target,
            base: intents.intents[target].map(\.record.base) ?? inodes[other]?.base?.etag,
            isHeld: intents.intents[address]?.held ?? false,
            waiters: intents.takeWaiters(address))
    }

    private mutating func place(_ end: End, _ moment: FileSystem.Moment) {
        inodes[end.inode]?.base = nil
        // After a crash this content is all there is of the file.
        inodes[end.inode]?.replacing = false
        inodes[end.inode]?.attributes.ctime = moment.time
        saveNode(end.inode)
        setIntent(
            IntentRecord(
                address: end.target, want: .put, inode: end.inode, base: end.base, after: nil,
                born: moment.time),
            now: moment.now, held: end.isHeld)
        intents.addWaiters(end.target, end.waiters)
    }
}
