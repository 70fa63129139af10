import RGWBase
import RGWSpool

/// The inodes by number. While an operation is noted, what it changes is kept as it was before.
///
/// An inode is large and has many parts, and an operation looks at a few fields of a few inodes many times: they
/// stay where they are in an array, are read and changed in place, and only their places are hashed.
struct InodeTable: Sendable {
    /// What an operation changed, oldest change first.
    struct Notes: Sendable {
        var traces: [UndoLog.Trace] = []
        /// Whose they are.
        var traced: Set<UInt64> = []
        /// Names before their changes.
        var names: [(directory: InodeNumber, name: EntryName, entry: Directory.Entry?)] = []
    }

    private struct Place: Sendable {
        var inode: Inode?
        var facts = InodeFacts()
        /// Its data files, held once more: see `dropped`.
        var files: [any SpoolFile] = []
        /// The operation that is noted has changed it already.
        var isNoted = false
    }

    private var places: [Place] = []
    private var free: [Int] = []
    /// By the number's value, whose hash is a quicker one than InodeNumber's.
    private var index: [UInt64: Int] = [:]
    private var notes: Notes?
    private(set) var indexes = InodeIndexes()
    /// Data files that inodes have let go of. Closing the last descriptor of a removed file frees its blocks: not
    /// under the lock.
    private var dropped: [any SpoolFile] = []

    let scans = ScanCount()

    var values: some Sequence<Inode> {
        scans.add(places.count)
        return places.lazy.compactMap(\.inode)
    }

    subscript(number: InodeNumber) -> Inode? {
        _read {
            if let place = index[number.value] {
                yield places.span[place].inode
            } else {
                yield nil
            }
        }
        _modify {
            if let place = index[number.value] {
                if notes != nil { note(place) }
                yield &places[place].inode
                if notes != nil { collect(place) }
                update(place, number)
                if look(at: place, { $0.number }) == nil { vacate(place, number) }
            } else {
                var inode: Inode?
                yield &inode
                if let inode { insert(inode, number) }
            }
        }
    }

    /// One field, which `subscript` would copy with all the others.
    @inline(__always)
    func look<Field>(_ number: InodeNumber, _ field: (borrowing Inode) -> Field?) -> Field? {
        guard let place = index[number.value] else { return nil }
        return look(at: place, field)
    }

    @inline(__always)
    private func look<Field>(at place: Int, _ field: (borrowing Inode) -> Field?) -> Field? {
        switch places.span[place].inode {
        case .some(let inode): field(inode)
        case .none: nil
        }
    }

    /// Several fields at once, if the inode is there.
    mutating func change(_ number: InodeNumber, _ body: (inout Inode) -> Void) {
        guard let place = index[number.value] else { return }
        if notes != nil { note(place) }
        places[place].inode?.change(body)
        if notes != nil { collect(place) }
        update(place, number)
    }

    mutating func startNoting() { notes = Notes() }

    mutating func stopNoting() -> Notes {
        defer { notes = nil }
        guard var notes else { return Notes() }
        for trace in notes.traces.indices {
            guard let place = index[notes.traces[trace].number.value] else { continue }
            places[place].isNoted = false
            places[place].inode?.directory?.noted = nil
            notes.traces[trace].base = look(at: place) { $0.base }
            notes.traces[trace].data = look(at: place) { $0.dataID }
        }
        return notes
    }

    private mutating func insert(_ inode: Inode, _ number: InodeNumber) {
        let place = free.popLast() ?? places.count
        if place == places.count { places.append(Place()) }
        index[number.value] = place
        if notes != nil {
            // It may have gone in the same operation.
            if notes?.traced.insert(number.value).inserted == true {
                notes?.traces.append(UndoLog.Trace(number: number, before: nil))
            }
            places[place].isNoted = true
        }
        places[place].inode = inode
        if notes != nil { places[place].inode?.directory?.noted = [] }
        update(place, number)
    }

    private mutating func vacate(_ place: Int, _ number: InodeNumber) {
        index[number.value] = nil
        places[place] = Place()
        free.append(place)
    }

    private mutating func note(_ place: Int) {
        if places.span[place].isNoted { return }
        places[place].isNoted = true
        guard var image = places[place].inode else { return }
        // Without its names: a second owner of them would make the next change copy them all.
        image.directory?.forgetNames()
        notes?.traced.insert(image.number.value)
        notes?.traces.append(UndoLog.Trace(number: image.number, before: image))
        places[place].inode?.directory?.noted = []
    }

    /// After every change, so that the names of a directory that the next one removes are not lost.
    private mutating func collect(_ place: Int) {
        let changed = look(at: place) { inode in
            inode.directory?.noted.map { (number: inode.number, names: $0) }
        }
        guard let changed, !changed.names.isEmpty else { return }
        for (name, entry) in changed.names {
            notes?.names.append((changed.number, name, entry))
        }
        places[place].inode?.directory?.noted = []
    }
}

// MARK: What is kept of them

extension InodeTable {
    @inline(__always)
    private mutating func update(_ place: Int, _ number: InodeNumber) {
        let now = InodeFacts(places.span[place].inode)
        let before = places.span[place].facts
        if now == before { return }
        places[place].facts = now
        indexes.change(number, from: before, to: now)
        guard now.data != before.data || now.replacedData != before.replacedData else { return }
        dropped.append(contentsOf: places[place].files)
        places[place].files = places[place].inode?.dataFiles ?? []
    }

    var hasDropped: Bool { !dropped.isEmpty }

    mutating func takeDropped() -> [any SpoolFile] {
        defer { dropped = [] }
        return dropped
    }

    /// Intents began or ceased to send the bytes of files.
    mutating func note(_ moves: [FileMove]) {
        for move in moves {
            let facts = index[move.inode.value].map { places.span[$0].facts } ?? InodeFacts()
            indexes.move(move, facts)
        }
    }

    /// What is kept beside the inodes and is not what looking at all of them finds. `uploads`: how many intents
    /// send each file.
    func faults(uploads: [InodeNumber: Int]) -> [String] {
        var found = InodeIndexes()
        for (number, count) in uploads {
            found.move(FileMove(inode: number, change: count), InodeFacts())
        }
        var faults: [String] = []
        for place in places where place.inode != nil {
            guard let number = place.inode?.number else { continue }
            let facts = InodeFacts(place.inode)
            if facts != place.facts { faults.append("the facts of inode \(number)") }
            found.change(number, from: InodeFacts(), to: facts)
        }
        return faults + indexes.differences(from: found)
    }
}

extension Inode {
    fileprivate var dataFiles: [any SpoolFile] { [dataFile, replaced?.file].compactMap(\.self) }

    /// Where it stands: the table's is optional.
    fileprivate mutating func change(_ body: (inout Inode) -> Void) { body(&self) }
}
