import RGWBase
import RGWSpool

/// What of an inode the sums and sets below depend on.
struct InodeFacts: Equatable, Sendable {
    var size: UInt64 = 0
    /// Bytes of it, or of what it replaces, may not be on the spool's disk.
    var isUnsealed = false
    /// The disk did not take bytes of it, or of what it replaces.
    var isBroken = false
    /// Its data file holds what the bucket has.
    var isCopy = false
    /// The directory that it is in knows it better than the bucket.
    var busyIn: InodeNumber?
    /// A directory that the server refused to list.
    var isDenied = false
    /// Keys below it that are no names.
    var hidden = 0
    /// Its data files.
    var data: DataID?
    var replacedData: DataID?

    init() {}

    init(_ inode: borrowing Inode?) {
        switch inode {
        case .none: return
        case .some(let inode):
            size = inode.attributes.size
            if case .spool(let id, _) = inode.content {
                data = id
                isUnsealed = inode.sealed != inode.generation && !inode.isBroken
                isBroken = inode.isBroken
                isCopy = inode.hasCopy
                if !(isCopy && inode.opens > 0) { busyIn = inode.link?.parent }
            }
            if inode.writers > 0 { busyIn = inode.link?.parent }
            if let replaced = inode.replaced {
                replacedData = replaced.record.data
                if replaced.record.sealed != replaced.record.generation,
                    !replaced.record.isBroken
                {
                    isUnsealed = true
                }
                if replaced.record.isBroken { isBroken = true }
            }
            guard inode.attributes.kind == .directory else { return }
            isDenied = inode.directory?.deniedAt != nil
            hidden = inode.directory?.hidden ?? 0
        }
    }
}

/// Sums and sets of inodes that decisions need; the table changes them where an inode changes. Decision 100.
struct InodeIndexes: Sendable {
    /// How many intents send the bytes of a file.
    private(set) var uploads: [InodeNumber: Int] = [:]
    /// Bytes that they send.
    private(set) var unsentBytes: UInt64 = 0
    /// Files that are sent and whose bytes may not be on the spool's disk.
    private(set) var unsealed: Set<InodeNumber> = []
    /// Files that are sent and whose bytes the disk did not take.
    private(set) var broken: Set<InodeNumber> = []
    /// Files with a copy of what the bucket has, that are not sent.
    private(set) var copies: Set<InodeNumber> = []
    /// Files that a directory knows better than the bucket, by directory.
    private(set) var busy: [InodeNumber: Set<InodeNumber>] = [:]
    /// Directories that the server refused to list.
    private(set) var denied = 0
    /// Keys that are no names, in all directories.
    private(set) var hidden = 0

    mutating func change(_ number: InodeNumber, from old: InodeFacts, to new: InodeFacts) {
        denied += (new.isDenied ? 1 : 0) - (old.isDenied ? 1 : 0)
        hidden += new.hidden - old.hidden
        if old.busyIn != new.busyIn {
            if let parent = old.busyIn {
                busy[parent]?.remove(number)
                if busy[parent]?.isEmpty == true { busy[parent] = nil }
            }
            if let parent = new.busyIn { busy[parent, default: []].insert(number) }
        }
        let isQuiet =
            old.size == new.size && old.isUnsealed == new.isUnsealed && old.isCopy == new.isCopy
            && old.isBroken == new.isBroken
        if isQuiet { return }
        let count = uploads[number, default: 0]
        add(new.size, times: count)
        subtract(old.size, times: count)
        place(number, new, isSent: count > 0)
    }

    /// `facts`: what the inode is now.
    mutating func move(_ move: FileMove, _ facts: InodeFacts) {
        let before = uploads[move.inode, default: 0]
        let count = before + move.change
        uploads[move.inode] = count == 0 ? nil : count
        add(facts.size, times: max(0, move.change))
        subtract(facts.size, times: max(0, -move.change))
        place(move.inode, facts, isSent: count > 0)
    }

    private mutating func add(_ bytes: UInt64, times count: Int) {
        unsentBytes &+= bytes &* UInt64(count)
    }

    private mutating func subtract(_ bytes: UInt64, times count: Int) {
        unsentBytes &-= bytes &* UInt64(count)
    }

    private mutating func place(_ number: InodeNumber, _ facts: InodeFacts, isSent: Bool) {
        Self.set(&unsealed, number, isSent && facts.isUnsealed)
        Self.set(&broken, number, isSent && facts.isBroken)
        Self.set(&copies, number, !isSent && facts.isCopy)
    }

    private static func set(
        _ set: inout Set<InodeNumber>, _ number: InodeNumber, _ isIn: Bool
    ) {
        if isIn { set.insert(number) } else if !set.isEmpty { set.remove(number) }
    }

    func differences(from found: InodeIndexes) -> [String] {
        var names: [String] = []
        if uploads != found.uploads { names.append("the files that are sent") }
        if unsentBytes != found.unsentBytes {
            names.append("\(unsentBytes) unsent bytes instead of \(found.unsentBytes)")
        }
        if unsealed != found.unsealed { names.append("the unsealed files") }
        if broken != found.broken { names.append("the broken files") }
        if copies != found.copies { names.append("the copies of what the bucket has") }
        if busy != found.busy { names.append("the files that a directory knows better") }
        if denied != found.denied { names.append("the directories that may not be listed") }
        if hidden != found.hidden { names.append("the hidden keys") }
        return names
    }
}
