import RGWBase
import RGWObject
import RGWSpool

/// What another client does with a key while a change of this mount only settles: the change is in the bucket, and is
/// kept for two minutes because a request whose answer was lost may still undo it. Where no such request can explain
/// what the bucket shows, the bucket's word counts at once.
extension VolumeState {
    /// HEAD or a listing tells that there is nothing. True: another client removed it, and nothing is kept of it here.
    mutating func endsByRemoval(_ inode: InodeNumber) -> Bool {
        guard let address = address(inode), intents.settlingKeys.contains(address),
            intents.flights[address] == nil, !intents.mayDelete(address)
        else { return false }
        if isSettled(inode) {
            if let data = yieldToRemote(address) { discard(data) }
            return true
        }
        guard isSettledCopy(inode) || isSettledDirectory(inode, address) else { return false }
        dropIntent(address)
        intents.hasUrgent = true
        return true
    }

    /// The same of a name that a listing does not show.
    mutating func endsByRemoval(_ parent: InodeNumber, _ name: EntryName) -> Bool {
        // Until its answers are younger than the change, the listing tells nothing.
        guard inodes.look(parent, { $0.directory?.settled[name] == nil }) == true,
            case .inode(let child) = inodes[parent]?.directory?[name], endsByRemoval(child)
        else { return false }
        lose(parent, name)
        return true
    }

    /// The names that a whole listing lacks. Returns those that are gone.
    @discardableResult mutating func endRemoved(
        _ parent: InodeNumber, shown: Set<EntryName>, _ local: LocalNames
    ) -> Set<EntryName> {
        if intents.settlingKeys.isEmpty { return [] }
        return local.known.subtracting(shown).filter {
            // What waits under the name besides tells of another key.
            !local.removedFiles.contains($0) && !local.removedDirectories.contains($0)
                && endsByRemoval(parent, $0)
        }
    }

    /// Those of `names` that the page they belong on lacks.
    mutating func endRemoved(
        _ parent: InodeNumber, _ page: ListPage, prefix: KeyPrefix, _ names: Set<EntryName>,
        _ local: LocalNames
    ) -> Set<EntryName> {
        if intents.settlingKeys.isEmpty { return [] }
        let keys = page.objects.map(\.key) + page.commonPrefixes
        var rest = local
        rest.known = names
        return endRemoved(
            parent,
            shown: Set(
                keys.compactMap { layout.entryName($0, prefixLength: prefix.bytes.count) }), rest)
    }

    /// A directory that was made here, with nothing in it that is not in the bucket.
    private func isSettledDirectory(_ inode: InodeNumber, _ marker: ObjectAddress) -> Bool {
        intents.intents[marker]?.record.want == .makeDirectory
            && inodes.indexes.busy[inode] == nil
            && intents.pendingBelow(KeyPrefix(marker: marker), marker: marker) == 0
    }

    /// The marker of a directory that was removed or renamed here, which only settles.
    private func removedMarker(_ parent: InodeNumber, _ name: EntryName) -> ObjectAddress? {
        guard !intents.settlingKeys.isEmpty,
            inodes.look(parent, { $0.directory?[name] == nil }) == true,
            let marker = try? addresses(parent, name).marker,
            intents.settlingKeys.contains(marker), intents.flights[marker] == nil,
            intents.intents[marker]?.record.want == .removeDirectory
        else { return nil }
        return marker
    }

    /// A listing shows such a directory, while a request whose answer was lost may still leave its marker. Nothing of
    /// this mount can be in it: its marker is looked at now, and if that is not there, the directory is another
    /// client's.
    mutating func lookAtRemoved(_ parent: InodeNumber, _ name: EntryName, now: Instant) {
        guard let marker = removedMarker(parent, name),
            intents.undoneBelow(KeyPrefix(marker: marker), marker: marker) == 0,
            !intents.mayLeave(below: marker)
        else { return }
        intents.settleNow(marker, now: now)
    }

    /// An object in such a directory. True: no request of this mount can have left it, and the directory is shown.
    mutating func endsRemoval(
        _ parent: InodeNumber, _ name: EntryName, by object: ListedObject
    ) -> Bool {
        guard let marker = removedMarker(parent, name) else { return false }
        let address = ObjectAddress(bucket: marker.bucket, key: object.key)
        guard !intents.isUndone(address), !intents.isOwn(object.etag, at: address) else {
            return false
        }
        dropIntent(marker)
        intents.hasUrgent = true
        return true
    }

    /// The same of the directories that a listing shows.
    mutating func lookAtRemoved(
        _ parent: InodeNumber, shown prefixes: [ObjectKey], prefix: KeyPrefix, now: Instant
    ) {
        if intents.settlingKeys.isEmpty { return }
        for key in prefixes {
            guard let name = layout.entryName(key, prefixLength: prefix.bytes.count) else {
                continue
            }
            lookAtRemoved(parent, name, now: now)
        }
    }
}
