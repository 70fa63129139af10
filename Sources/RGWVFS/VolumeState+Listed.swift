import RGWBase
import RGWObject
import RGWSpool

/// attrs=list: what a listing says of a name is all that is asked for.
extension VolumeState {
    /// A listing shows a name whose inode is known.
    mutating func absorbListed(_ child: InodeNumber, _ object: BaseVersion?, at: Instant) {
        guard let known = inodes[child], known.checkedAt < at, !hasOwnChanges(child) else { return }
        guard let object else { return renew(child, at: at, isSame: true) }
        if known.base?.isSameToTheSecond(as: object) == true {
            return renew(child, at: at, isSame: true)
        }
        if known.attributesKnown { inodes[child]?.attributesKnown = false }
        noteAttributes(child)
        guard known.attributes.kind == .regular, object.etag != .ofNothing else {
            // Only HEAD tells what it is now.
            inodes[child]?.distrust()
            return
        }
        if known.base?.isSameVersion(as: object) != true {
            inodes[child]?.foreignVersion += 1
            inodes[child]?.symlinkTarget = nil
            reads.drop(child)
            dropOldCopy(child)
        }
        let attributes = PosixMetadata.attributes(
            listedSize: object.size, lastModified: object.lastModified, defaults: defaults)
        noteForeignSize(known, object.size)
        inodes[child]?.base = object
        inodes[child]?.attributes = attributes
        renew(child, at: at, isSame: false)
    }

    /// A name of a large directory and those behind it, as the bucket has them.
    mutating func absorbNames(
        _ parent: InodeNumber, _ name: EntryName, _ page: ListPage, prefix: KeyPrefix,
        startedAt: Instant
    ) {
        lookAtRemoved(parent, shown: page.commonPrefixes, prefix: prefix, now: startedAt)
        let local = localNames(parent, prefix: prefix)
        var isThere = local.known.contains(name)
        for (listed, object) in remoteNames(parent, page, prefix, local) {
            let isDenied = inodes.look(parent) {
                $0.directory?.denied.contains(listed, object, now: startedAt)
            }
            if isDenied == true { continue }
            absorbName(parent, listed, object, at: startedAt)
            if listed == name { isThere = true }
        }
        inodes.change(parent) {
            $0.directory?.pagedAt = startedAt
            $0.directory?.pagedFrom = name
        }
        // A page that ends before the directory's key would come says nothing of it.
        let end = page.next.map { Array($0.bytes.dropFirst(prefix.bytes.count)) }
        let isSure = end.map { !$0.lexicographicallyPrecedes(name.bytes + [0x2F]) } ?? true
        guard !isThere, isSure else { return }
        lose(parent, name)
        inodes.change(parent) { $0.directory?.absent[name] = startedAt }
    }

    /// How many names to ask for from a name on: who looks at a second one will look at more.
    mutating func namesToAsk(_ parent: InodeNumber) -> Int {
        inodes.change(parent) { $0.directory?.attributeMisses += 1 }
        let misses = inodes.look(parent, { $0.directory?.attributeMisses }) ?? 0
        return misses > 1 ? FileSystem.pageNamesMax : Self.firstNamesMax
    }

    private static let firstNamesMax = 16
}

extension Directory {
    /// A listing that would have told of the name has been asked for, or was refused.
    func isAsked(for name: EntryName, since: Instant) -> Bool {
        if listedAt ?? .distantPast >= since || deniedAt ?? .distantPast >= since { return true }
        return isLarge && pagedFrom == name && pagedAt ?? .distantPast >= since
    }
}

extension EntryName {
    /// A key's part that comes just before this name, with as little as possible between them; nil: nothing is known
    /// to come before it.
    var predecessor: [UInt8]? {
        var scalars = text.unicodeScalars
        guard let last = scalars.popLast() else { return nil }
        // Surrogates are no characters.
        let before = last.value == 0xE000 ? 0xD7FF : last.value &- 1
        if last.value > 0x21, let scalar = Unicode.Scalar(before), scalar != "/" {
            scalars.append(scalar)
            // The last character of all that is no noncharacter.
            scalars.append("\u{10FFFD}")
        }
        return scalars.isEmpty ? nil : Array(String(scalars).utf8)
    }
}
