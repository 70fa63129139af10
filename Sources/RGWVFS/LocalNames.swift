import RGWBase
import RGWObject

/// Which names of a directory the bucket is not asked about, because of local changes.
///
/// A file and a directory of one name are two keys. While a removed file waits to be deleted, only the file is
/// hidden: a directory made under its name since may be in the bucket already, and after a crash only there.
struct LocalNames {
    /// The mount knows them better, removed ones included, and those whose change has just reached the bucket.
    var known: Set<EntryName> = []
    /// Names without an entry whose object waits to be deleted.
    var removedFiles: Set<EntryName> = []
    /// Names without an entry whose marker waits to be deleted.
    var removedDirectories: Set<EntryName> = []

    func hides(_ name: EntryName, isDirectory: Bool) -> Bool {
        known.contains(name)
            || (isDirectory ? removedDirectories : removedFiles).contains(name)
    }
}

extension VolumeState {
    func localNames(_ inode: InodeNumber, prefix: KeyPrefix) -> LocalNames {
        var names = LocalNames()
        guard let directory = inodes[inode]?.directory else { return names }
        names.known.formUnion(directory.settled.keys)
        if directory.inodeCount > 0 {
            for (name, entry) in directory.entries {
                if case .inode(let child) = entry, isLocal(child) { names.known.insert(name) }
            }
        }
        guard let marker = address(inode), intents.pendingBelow(prefix, marker: marker) > 0 else {
            return names
        }
        for address in intents.pendingKeys(under: prefix) {
            let rest = address.key.bytes[prefix.bytes.count...]
            let part = rest.prefix { $0 != 0x2F }
            let isMarker = part.count == rest.count - 1
            guard isMarker || part.count == rest.count, let name = try? EntryName(Array(part))
            else { continue }
            if directory[name] != nil {
                names.known.insert(name)
            } else if isMarker {
                names.removedDirectories.insert(name)
            } else {
                names.removedFiles.insert(name)
            }
        }
        names.known.formUnion(names.removedFiles.intersection(names.removedDirectories))
        return names
    }

    /// The same for one name.
    func hides(_ parent: InodeNumber, _ name: EntryName) -> (file: Bool, directory: Bool) {
        guard inodes[parent]?.directory?[name] == nil, let both = try? addresses(parent, name)
        else {
            let isLocal = isLocal(parent, name)
            return (isLocal, isLocal)
        }
        return (intents.isPending(both.file), intents.isPending(both.marker))
    }
}
