package import RGWBase

/// Something that the kernel remembers and is to ask for anew.
package enum KernelNotice: Hashable, Sendable {
    /// A name leads elsewhere, or nowhere.
    case entry(InodeNumber, EntryName)
    /// Attributes; pages stay.
    case attributes(InodeNumber)
    /// Attributes and pages.
    case content(InodeNumber)
}

/// The way to the kernel. `post` returns at once and never fails: what is lost is forgotten by the kernel's own
/// time-outs, and no promise rests on it (open compares versions itself).
package protocol KernelNotices: Sendable {
    func post(_ notice: KernelNotice)
}

/// For a filesystem that no kernel mounts.
package struct NoKernelNotices: KernelNotices {
    package init() {}
    package func post(_: KernelNotice) {}
}

/// Notices that wait to be told: each once, oldest first, not more than a number of them. Pure.
package struct KernelNoticeQueue: Sendable {
    private let countMax: Int
    private var waiting: [KernelNotice] = []
    private var known: Set<KernelNotice> = []
    /// How many were not kept because too many waited.
    package private(set) var dropped = 0

    package init(countMax: Int = 4096) { self.countMax = countMax }

    /// False: it is told anyway, or there is no room.
    package mutating func append(_ notice: KernelNotice) -> Bool {
        if known.contains(notice) { return false }
        if case .attributes(let inode) = notice, known.contains(.content(inode)) { return false }
        guard waiting.count < countMax else {
            dropped += 1
            return false
        }
        known.insert(notice)
        waiting.append(notice)
        return true
    }

    /// All that waits. What is posted from now on is told again: it may be newer.
    package mutating func takeAll() -> [KernelNotice] {
        defer {
            waiting = []
            known = []
        }
        return waiting
    }
}

extension VolumeState {
    /// The kernel knows the inode by a name that does not lead to it any more.
    mutating func noteName(_ link: Inode.Link, of inode: InodeNumber) {
        guard inodes.look(inode, { $0.lookups }) ?? 0 > 0 else { return }
        notices.append(.entry(link.parent, link.name))
    }

    /// The kernel's attributes of it are out of date.
    mutating func noteAttributes(_ inode: InodeNumber) {
        guard inodes.look(inode, { $0.lookups }) ?? 0 > 0 else { return }
        notices.append(.attributes(inode))
    }

    /// So are the pages that it shows to those who have the file open. Who opens it later asks for them anew
    /// without being told (`OpenAnswer.keepCache`).
    mutating func noteContent(_ inode: InodeNumber) {
        inodes[inode]?.kernelVersion = nil
        guard inodes.look(inode, { $0.lookups }) ?? 0 > 0 else { return }
        notices.append(.content(inode))
    }
}
