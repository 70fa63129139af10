import RGWBase

/// The inodes by number. While an operation is noted, what it changes is kept as it was before.
struct InodeTable: Sendable {
    /// What an operation changed, oldest change first.
    struct Notes: Sendable {
        /// Inodes before their first change, without the names in them; nil: there was none.
        var images: [InodeNumber: Inode?] = [:]
        /// Names before their changes.
        var names: [(directory: InodeNumber, name: EntryName, entry: Directory.Entry?)] = []
    }

    private var all: [InodeNumber: Inode] = [:]
    private var notes: Notes?

    var keys: Dictionary<InodeNumber, Inode>.Keys { all.keys }
    var values: Dictionary<InodeNumber, Inode>.Values { all.values }

    subscript(number: InodeNumber) -> Inode? {
        get { all[number] }
        _modify {
            if notes == nil {
                yield &all[number]
            } else {
                note(number)
                yield &all[number]
                collect(number)
            }
        }
    }

    mutating func startNoting() { notes = Notes() }

    mutating func stopNoting() -> Notes {
        defer { notes = nil }
        guard let notes else { return Notes() }
        for number in notes.images.keys { all[number]?.directory?.noted = nil }
        return notes
    }

    private mutating func note(_ number: InodeNumber) {
        if notes?.images[number] != nil { return }
        // Without its names: a second owner of them would make the next change copy them all.
        var image = all[number]
        image?.directory?.forgetNames()
        notes?.images.updateValue(image, forKey: number)
        all[number]?.directory?.noted = []
    }

    /// After every change, so that the names of a directory that the next one removes are not lost.
    private mutating func collect(_ number: InodeNumber) {
        guard let changed = all[number]?.directory?.noted, !changed.isEmpty else { return }
        for (name, entry) in changed { notes?.names.append((number, name, entry)) }
        all[number]?.directory?.noted = []
    }
}
