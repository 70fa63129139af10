/// What is in a spool's `lost/`: data without a name, one directory each, with a note.
package struct LostEntry: Equatable, Sendable {
    /// The directory's name: when it was lost, and the data file's number.
    package var identifier: String
    /// Why it is there, in words.
    package var note: String
    package var bytes: UInt64

    package init(identifier: String, note: String, bytes: UInt64) {
        self.identifier = identifier
        self.note = note
        self.bytes = bytes
    }
}

/// Looking at `lost/` and emptying it, which only the user does.
package enum LostEntries {
    /// The oldest first.
    package static func list(in spool: String) throws(HostError) -> [LostEntry] {
        var entries: [LostEntry] = []
        for name in try HostNames.list("\(spool)/lost") ?? [] {
            guard let status = try HostNames.status("\(spool)/lost/\(name)/data") else { continue }
            let note = try HostFile.read("\(spool)/lost/\(name)/info.txt", limit: 1 << 16)
            entries.append(
                LostEntry(
                    identifier: name, note: note?.text ?? "", bytes: status.size))
        }
        return entries
    }

    /// 0 where it cannot be read: a number for status lines.
    package static func count(in spool: String) -> UInt64 {
        UInt64((try? list(in: spool).count) ?? 0)
    }

    /// Copies an entry's data to a file that must not exist yet; ENOENT without such an entry.
    package static func export(
        _ identifier: String, in spool: String, to target: String
    ) throws(HostError) {
        try HostFile.copy(try data(identifier, spool), to: target)
    }

    /// Removes an entry for good; ENOENT without such an entry.
    package static func drop(_ identifier: String, in spool: String) throws(HostError) {
        let data = try data(identifier, spool)
        let directory = HostNames.parentDirectory(of: data)
        try HostNames.unlink(data)
        try HostNames.unlink("\(directory)/info.txt")
        try HostNames.removeDirectory(directory)
        try HostNames.syncDirectory("\(spool)/lost")
    }

    private static func data(_ identifier: String, _ spool: String) throws(HostError) -> String {
        // A name, not a path: nothing outside of lost/ is reached.
        let isName = !identifier.isEmpty && !identifier.contains("/") && !identifier.hasPrefix(".")
        let path = "\(spool)/lost/\(identifier)/data"
        guard isName, try HostNames.status(path) != nil else {
            throw HostError("find", path: "\(spool)/lost/\(identifier)", errno: 2)
        }
        return path
    }
}
