import RGWBase
import RGWObject
import RGWSpool

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

    /// What is fetched ahead of a reader.
    struct Ahead: Sendable {
        /// Whose attributes are not known, or not believed any more.
        var attributes: [InodeNumber] = []
        var bodies: [ReadCache.Run] = []
    }

    /// What is to be fetched of the names after `name`.
    mutating func ahead(
        _ parent: InodeNumber, after name: EntryName, now: Instant, time: WallTime
    ) -> Ahead {
        // No copy of the directory is held here: promoting a name would copy all its names.
        if inodes.look(parent, { $0.directory?.hasOrder }) == false {
            inodes.change(parent) { $0.directory?.sortOrder() }
        }
        let names = inodes.look(parent) { known -> [EntryName]? in
            known.directory?.namesAhead(of: name, atMost: Self.attributesAheadMax)
        }
        var ahead = Ahead()
        guard let names, !names.isEmpty else { return ahead }
        let reads = inodes.look(parent, { $0.directory?.following.isReading }) ?? false
        // Directories of a walk are listed, no more than that may be.
        let lists = inodes.look(parent, { $0.directory?.listsAhead }) ?? 0
        var listed = 0
        var asked = 0
        for name in names {
            let inode: InodeNumber
            asked += 1
            switch inodes.look(parent, { $0.directory?[name] }) {
            case .some(.listed(let known)): inode = promote(parent, name, known, time: time)
            case .some(.inode(let known)): inode = known
            default: continue
            }
            if let need = attributeNeed(inode, now: now, since: now) {
                guard need == .head(inode) else { continue }
                if lists > 0, inodes.look(inode, { $0.isDirectory }) == true {
                    // One is left for the name that is waited for.
                    if listed + 1 >= lists {
                        asked -= 1
                        break
                    }
                    listed += 1
                }
                ahead.attributes.append(inode)
            } else if reads, let version = smallVersion(inode) {
                ahead.bodies += self.reads.claim(
                    ReadCache.Version(inode, version), size: version.size)
            }
        }
        let count = ahead.attributes.count + ahead.bodies.count
        inodes.change(parent) {
            $0.directory?.noteAsked(names.prefix(asked))
            $0.directory?.following.asked += count
        }
        return ahead
    }

    // MARK: Small files

    /// The version of a small file whose bytes should come along; nil: they are here, or nobody will want them.
    func smallVersion(_ inode: InodeNumber) -> BaseVersion? {
        let small = configuration.smallBytesMax
        let found = inodes.look(inode) { known -> (BaseVersion, InodeNumber)? in
            guard known.attributes.kind == .regular, let base = known.base, base.size > 0,
                base.size <= small, let link = known.link, known.dataID == nil
            else { return nil }
            return (base, link.parent)
        }
        guard let (base, parent) = found,
            inodes.look(parent, { $0.directory?.following.isReading }) == true,
            !reads.has(ReadCache.Version(inode, base), size: base.size),
            !hasOwnChanges(inode)
        else { return nil }
        return base
    }

    /// The bytes that came with the attributes, of the same version.
    mutating func keep(_ body: [UInt8], of inode: InodeNumber, _ head: ObjectHead) {
        guard UInt64(body.count) == head.size, let known = inodes[inode],
            let base = known.base, base.isSameVersion(as: BaseVersion(head)),
            !hasOwnChanges(inode)
        else { return }
        switch known.attributes.kind {
        case .regular: reads.keep(ReadCache.Version(inode, base), body)
        case .symlink where body.count <= FileSystem.targetMax:
            inodes[inode]?.symlinkTarget = body
        default: break
        }
    }

    /// A file was opened to be read. True: what follows it is to be fetched ahead.
    mutating func follows(
        _ inode: InodeNumber, _ name: EntryName, in parent: InodeNumber
    ) -> Bool {
        let size = inodes.look(inode) { $0.base?.size } ?? 0
        guard size > 0, size <= configuration.smallBytesMax else { return false }
        inodes.change(parent) { $0.directory?.following.noteOpened(inode, name) }
        return inodes.look(parent, { $0.directory?.following.isSure }) ?? false
    }

    /// A name was looked up, for whatever reason.
    mutating func noteLookedUp(_ inode: InodeNumber, in parent: InodeNumber) {
        guard inodes.look(parent, { $0.directory?.following.isReading }) == true,
            inodes.look(inode, { $0.isDirectory }) == false
        else { return }
        inodes.change(parent) { $0.directory?.following.noteLookedUp() }
    }
}

/// Whether the files of a directory are being read one after another (`grep -r`, `cp -r`, `tar`), or only looked at.
struct Following: Sendable {
    /// So many names looked up in a row and not opened end it.
    private static let lookedUpMax = 16
    /// How much may be fetched ahead: this much, and as much again for each file that was opened.
    private static let share = 8

    private var opened = 0
    private var last: (inode: InodeNumber, name: EntryName)?
    /// The files come in the order of their numbers, not of their names. `cp -r` reads them so.
    private(set) var goesByNumber = false
    private var lookedUp = 0
    /// What was fetched ahead so far.
    var asked = 0

    var isReading: Bool { opened > 0 }
    /// One file that is opened tells nothing of the next.
    var isSure: Bool { opened > 1 }
    /// How much more may be fetched ahead.
    var room: Int { max(0, Self.share * (opened + 1) - asked) }

    mutating func noteOpened(_ inode: InodeNumber, _ name: EntryName) {
        lookedUp = 0
        defer { last = (inode, name) }
        guard let last else { return opened = 1 }
        // One that is read again and again tells nothing of the others.
        guard inode != last.inode else { return }
        opened += 1
        // Half of the steps in one order go back in the other.
        let isLater = (name: last.name < name, number: last.inode.value < inode.value)
        if isLater.name != isLater.number { goesByNumber = isLater.number }
    }

    mutating func noteLookedUp() {
        lookedUp += 1
        if lookedUp > Self.lookedUpMax { self = Following() }
    }
}

extension Directory {
    /// Names of a long directory whose order is kept.
    private static let orderMax = 200_000

    /// Longer directories are not ordered by number.
    private static let numberedMax = 20_000

    fileprivate var goesByNumber: Bool {
        following.isSure && following.goesByNumber && entryCount <= Self.numberedMax
    }

    fileprivate var hasOrder: Bool { goesByNumber ? !numbered.isEmpty : !order.isEmpty }

    fileprivate mutating func sortOrder() {
        guard goesByNumber else { return order = entries.keys.sorted() }
        numbered = entries.map { (number: Self.number($0.value), name: $0.key) }
            .sorted { $0.number.value < $1.number.value }
    }

    private static func number(_ entry: Entry) -> InodeNumber {
        switch entry {
        case .listed(let listed): listed.number
        case .inode(let number): number
        }
    }

    fileprivate mutating func noteAsked(_ names: ArraySlice<EntryName>) {
        guard let last = names.last else { return }
        if goesByNumber {
            numberAskedTo = entries[last].map(Self.number)
        } else {
            attributesAskedTo = last
        }
    }

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
        guard goesByNumber, let number = entries[name].map(Self.number) else {
            let low = order.firstPlace { name < $0 }
            let asked = attributesAskedTo.map { to in order.firstPlace { to < $0 } } ?? 0
            return Array(order[window(low, asked, of: order.count, atMost: count)])
        }
        let low = numbered.firstPlace { number.value < $0.number.value }
        let asked =
            numberAskedTo.map { to in numbered.firstPlace { to.value < $0.number.value } } ?? 0
        return numbered[window(low, asked, of: numbered.count, atMost: count)].map(\.name)
    }

    private func window(
        _ low: Int, _ asked: Int, of total: Int, atMost count: Int
    ) -> Range<Int> {
        // Who comes from elsewhere begins anew.
        let isNear = low <= asked && asked <= low + count
        if isNear, asked > low + count / 2 { return low..<low }
        let start = isNear ? asked : low
        // Bytes are fetched ahead as far as those before were wanted.
        let room = following.isReading ? following.room : count
        return start..<max(start, min(total, low + count, start + room))
    }
}

extension Array {
    /// The first index of a sorted array from which on `isReached` holds.
    func firstPlace(where isReached: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isReached(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
