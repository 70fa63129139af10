package import RGWBase
import RGWObject
import RGWSpool

/// opendir, readdir, releasedir, fsyncdir.
extension FileSystem {
    package func opendir(_ inode: InodeNumber, _ reply: consuming Reply<OpenAnswer>) {
        perform(reply) { state, _ throws(FileSystemError) in
            guard let known = state.inodes[inode] else { throw .stale }
            guard known.isDirectory else { throw .notDirectory }
            let handle = state.newHandle()
            state.directories[handle] = OpenDirectory(inode: inode)
            state.inodes[inode]?.opens += 1
            return .done(OpenAnswer(handle: handle, keepCache: false))
        }
    }

    package func readdir(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, budget: DirectoryBudget,
        plus: Bool, _ reply: consuming Reply<[DirectoryEntry]>
    ) {
        perform(reply) { state, moment throws(FileSystemError) in
            guard let open = state.directories[handle] else { throw .badHandle }
            // Rule: rewinddir shows the directory as it is now. Source: POSIX readdir(3).
            if offset == 0 || open.names == nil {
                guard state.isListingFresh(inode, now: moment.now, since: moment.since) else {
                    return .need(.listAll(inode))
                }
                let names = state.snapshot(inode)
                state.directories[handle]?.names = names
            }
            return .done(
                state.entries(
                    handle, inode, from: offset, budget: budget, plus: plus, now: moment.now))
        }
    }

    package func releasedir(
        _ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>
    ) {
        perform(reply) { state, _ throws(FileSystemError) in
            if state.directories.removeValue(forKey: handle) != nil {
                state.inodes[inode]?.opens -= 1
                state.evict(inode)
            }
            return .done(())
        }
    }

    /// Waits for every change below the directory, and reports what failed there.
    package func fsyncdir(
        _ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>
    ) {
        let parked = reply.park()
        if configuration.guarantee == .local {
            workers.submit { [self] in
                awaitBarrier { error in
                    parked.send(error.map { .failure(FileSystemError($0)) } ?? .success(()))
                }
            }
            return
        }
        let prefix: KeyPrefix? = withState { state in state.prefix(inode) }
        guard let prefix else { return parked.succeed(()) }
        waitForAll(under: prefix, isPatient: false) { error in
            parked.send(error.map { .failure($0) } ?? .success(()))
        }
    }

    /// Calls back when every change made so far to keys that start with `prefix` is in the bucket.
    /// `isPatient`: failures that may pass by themselves are waited for.
    func waitForAll(
        under prefix: KeyPrefix, isPatient: Bool,
        then done: @escaping @Sendable (FileSystemError?) -> Void
    ) {
        let now = clock.now()
        let isWaiting = withState { state in
            let keys = state.intents.pendingKeys(under: prefix).filter {
                state.intents.intents[$0].map { !$0.held } ?? false
            }
            guard !keys.isEmpty else { return false }
            let waiter = SyncWaiter(count: keys.count, done: done)
            for key in keys {
                state.intents.wait(key, waiter, isPatient: isPatient)
                state.intents.expedite(key, now: now)
            }
            return true
        }
        if isWaiting { pump() } else { done(nil) }
    }
}

extension VolumeState {
    /// The directory's names in byte order, as they are now.
    func snapshot(_ inode: InodeNumber) -> [OpenDirectory.Name] {
        guard let directory = inodes[inode]?.directory else { return [] }
        var names: [OpenDirectory.Name] = []
        names.reserveCapacity(directory.entries.count)
        for (name, entry) in directory.entries {
            switch entry {
            case .listed(let listed):
                names.append(
                    OpenDirectory.Name(
                        name: name, inode: listed.number,
                        kind: listed.object == nil ? .directory : .regular))
            case .inode(let number):
                names.append(
                    OpenDirectory.Name(
                        name: name, inode: number,
                        kind: inodes[number]?.attributes.kind ?? .regular))
            }
        }
        names.sort { $0.name < $1.name }
        return names
    }

    /// As many entries as fit. Offsets: 1 and 2 follow `.` and `..`, then one a name.
    mutating func entries(
        _ handle: HandleID, _ inode: InodeNumber, from offset: UInt64, budget: DirectoryBudget,
        plus: Bool, now: Instant
    ) -> [DirectoryEntry] {
        guard let names = directories[handle]?.names else { return [] }
        var entries: [DirectoryEntry] = []
        var left = budget.bytes
        var position = offset
        while position < UInt64(names.count) + 2 {
            let dots = Int(min(2, position)) == 2 ? 0 : Int(position) + 1
            let listed = dots == 0 ? names[Int(position) - 2] : nil
            let length = listed?.name.bytes.count ?? dots
            // Source: linux/fuse.h, FUSE_DIRENT_ALIGN.
            let cost = (budget.fixedBytes + length + 7) & ~7
            guard cost <= left else { break }
            left -= cost
            position += 1
            entries.append(
                DirectoryEntry(
                    name: listed?.name, dots: dots,
                    inode: listed?.inode ?? (dots == 2 ? parent(inode) : inode),
                    kind: listed?.kind ?? .directory, next: position,
                    entry: plus ? listed.flatMap { knownEntry($0, now: now) } : nil))
        }
        return entries
    }

    private func parent(_ inode: InodeNumber) -> InodeNumber {
        inodes[inode]?.link?.parent ?? .root
    }

    /// Attributes for readdirplus, when they are known and believed; takes a lookup count.
    private mutating func knownEntry(_ listed: OpenDirectory.Name, now: Instant) -> EntryAnswer? {
        guard let known = inodes[listed.inode], known.link?.name == listed.name,
            attributeNeed(listed.inode, now: now, since: now) == nil
        else { return nil }
        return try? entryAnswer(listed.inode, now: now)
    }
}
