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
        // Buckets have no key, and are few.
        if prefix.bucket == nil {
            for (name, entry) in directory.entries {
                if case .inode(let child) = entry, isLocal(child) { names.known.insert(name) }
            }
        }
        for child in inodes.indexes.busy[inode] ?? [] {
            guard let name = inodes.look(child, { $0.link?.name }), let entry = directory[name]
            else { continue }
            if case .inode(child) = entry { names.known.insert(name) }
        }
        for address in intents.below.keys(in: prefix) {
            let part = address.key.bytes[prefix.bytes.count...]
            guard let name = try? EntryName(Array(part)) else { continue }
            if directory[name] != nil {
                names.known.insert(name)
            } else {
                names.removedFiles.insert(name)
            }
        }
        for below in intents.below.directories(in: prefix) {
            addDirectory(below, in: directory, prefix, &names)
        }
        names.known.formUnion(names.removedFiles.intersection(names.removedDirectories))
        return names
    }

    /// A directory with something pending in or below it, its own marker included.
    private func addDirectory(
        _ below: KeyPrefix, in directory: Directory, _ prefix: KeyPrefix, _ names: inout LocalNames
    ) {
        let part = below.bytes[prefix.bytes.count...].dropLast()
        guard let name = try? EntryName(Array(part)), let marker = below.marker else { return }
        switch directory[name] {
        case .inode(let child)? where inodes.look(child, { $0.isDirectory }) == true:
            names.known.insert(name)
        case .some: if intents.isPending(marker) { names.known.insert(name) }
        case .none: if intents.isPending(marker) { names.removedDirectories.insert(name) }
        }
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
