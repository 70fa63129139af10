import RGWBase
import RGWObject

/// Attributes that are asked for before somebody needs them.
extension VolumeState {
    /// Two reads of attributes in one directory make a third likely: `ls -l`, `rsync`, `find -newer`.
    private static let missesBeforeReadAhead = 2
    /// How many HEADs run ahead of the reader.
    private static let attributesAheadMax = 64

    mutating func shouldReadAhead(_ parent: InodeNumber) -> Bool {
        guard configuration.attributeSource == .posix else { return false }
        inodes.change(parent) { $0.directory?.attributeMisses += 1 }
        return inodes.look(parent, { $0.directory?.attributeMisses }) ?? 0
            >= Self.missesBeforeReadAhead
    }

    /// The inodes of the names after `name` whose attributes are not known, or not believed any more.
    mutating func attributesAhead(
        _ parent: InodeNumber, after name: EntryName, now: Instant, time: WallTime
    ) -> [InodeNumber] {
        // No copy of the directory is held: promoting a name would copy all its names.
        if inodes.look(parent, { $0.directory?.order.isEmpty }) == true {
            inodes.change(parent) { $0.directory?.sortOrder() }
        }
        let ahead = inodes.look(parent) { known -> [EntryName]? in
            known.directory?.namesAhead(of: name, atMost: Self.attributesAheadMax)
        }
        guard let ahead, let last = ahead.last else { return [] }
        var inodesAhead: [InodeNumber] = []
        for name in ahead {
            switch inodes.look(parent, { $0.directory?[name] }) {
            case .some(.listed(let listed)):
                inodesAhead.append(promote(parent, name, listed, time: time))
            case .some(.inode(let inode))
            where attributeNeed(inode, now: now, since: now) == .head(inode):
                inodesAhead.append(inode)
            default: break
            }
        }
        inodes.change(parent) { $0.directory?.attributesAskedTo = last }
        return inodesAhead
    }
}

extension Directory {
    /// Names of a long directory whose order is kept.
    private static let orderMax = 200_000

    fileprivate mutating func sortOrder() { order = entries.keys.sorted() }

    /// Names that a page of the listing brought, sorted, take the place of those between the first and the last.
    mutating func noteOrder(_ names: [EntryName], isFirst: Bool) {
        guard let first = names.first, let last = names.last else { return }
        if isFirst || order.count > Self.orderMax {
            order = names
            attributesAskedTo = nil
        } else {
            let low = order.firstPlace { first <= $0 }
            let high = order.firstPlace { last < $0 }
            order.replaceSubrange(low..<max(low, high), with: names)
        }
    }

    /// What is to be asked for when `name` had to be waited for; nothing while half of that is still ahead.
    fileprivate func namesAhead(of name: EntryName, atMost count: Int) -> [EntryName] {
        let low = order.firstPlace { name < $0 }
        let end = min(order.count, low + count)
        let asked = attributesAskedTo.map { to in order.firstPlace { to < $0 } } ?? 0
        // Who comes from elsewhere begins anew.
        let isNear = low <= asked && asked <= end
        if isNear, asked > low + count / 2 { return [] }
        return Array(order[(isNear ? asked : low)..<end])
    }
}

extension [EntryName] {
    /// The first index of a sorted array from which on `isReached` holds.
    func firstPlace(where isReached: (EntryName) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isReached(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
