import RGWBase

/// What one reader of a directory of more than a page holds: the pages around its position, and where
/// the earlier ones start. Names come in the order of their keys. Pure; guarded by the volume's state.
struct DirectoryPages: Sendable {
    /// A page's beginning.
    struct Start: Sendable {
        /// The key that the page comes after, without the directory's prefix; nil for the first.
        var after: [UInt8]?
        /// Files of earlier pages whose names the next names may begin with: a directory of the same name
        /// may still come, and is not to be shown twice.
        var shadows: [EntryName]
    }

    /// A place in the sequence: the entry at `position` of `page`, or a later one.
    struct Place: Equatable, Sendable {
        var page: Int
        var position: Int
    }

    /// One that the reader is on, and the one that is read ahead.
    private static let pagesMax = 2

    private(set) var startedAt: Instant
    private var starts = [Start(after: nil, shadows: [])]
    private var loaded: [(page: Int, names: [OpenDirectory.Name])] = []
    /// The page after which nothing comes, once known.
    private var last: Int?

    init(startedAt: Instant) { self.startedAt = startedAt }

    /// Everything is to be read again. Pages keep their beginnings, so that offsets stay valid.
    mutating func restart(at now: Instant) {
        startedAt = now
        loaded = []
        last = nil
    }

    func start(of page: Int) -> Start? { starts.indices.contains(page) ? starts[page] : nil }

    func names(on page: Int) -> [OpenDirectory.Name]? { loaded.first { $0.page == page }?.names }

    func isLast(_ page: Int) -> Bool { last.map { page >= $0 } ?? false }

    /// Takes a page in. `next`: how the following one starts; nil: there is none.
    mutating func load(_ page: Int, _ names: [OpenDirectory.Name], next: Start?) {
        loaded.removeAll { $0.page == page }
        loaded.append((page, names))
        while loaded.count > Self.pagesMax { loaded.removeFirst() }
        if let next {
            if starts.count == page + 1 { starts.append(next) } else { starts[page + 1] = next }
            if last == page { last = nil }
        } else {
            last = page
        }
    }

    // MARK: Offsets

    /// The offset after an entry: page, position and a digest of the name, so that a page that is read
    /// again after a change is resumed behind the same name. Bit 63 is not used: off_t has a sign; bit 62 is
    /// NameOffset's.
    static func offset(after place: Place, _ name: EntryName) -> UInt64 {
        UInt64(place.page + 1) << 40 | UInt64(place.position + 1) << 16 | digest(name)
    }

    /// The page that an offset is on. Offsets up to 2 come before every name.
    static func page(_ offset: UInt64) -> Int { offset <= 2 ? 0 : max(0, Int(offset >> 40) - 1) }

    /// Where reading goes on at an offset; nil: its page is not loaded.
    func place(_ offset: UInt64) -> Place? {
        let page = Self.page(offset)
        guard let names = names(on: page) else { return nil }
        guard offset > 2 else { return Place(page: page, position: 0) }
        let before = Int(offset >> 16 & 0xFF_FFFF) - 1
        // The place before a page's first name is behind none, whatever digest a name has.
        guard before >= 0 else { return Place(page: page, position: 0) }
        let digest = offset & 0xFFFF
        func isIt(_ index: Int) -> Bool {
            names.indices.contains(index) && Self.digest(names[index].name) == digest
        }
        if isIt(before) { return Place(page: page, position: before + 1) }
        // Names before it came or went: the nearest one with its digest.
        let found = names.indices.filter(isIt).min { abs($0 - before) < abs($1 - before) }
        return Place(page: page, position: found.map { $0 + 1 } ?? min(before + 1, names.count))
    }

    /// Folded to 16 bits.
    private static func digest(_ name: EntryName) -> UInt64 {
        let hash = name.digest
        return (hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48) & 0xFFFF
    }
}
