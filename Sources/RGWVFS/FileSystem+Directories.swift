package import RGWBase
import RGWObject
import RGWSpool

/// opendir, readdir, releasedir, fsyncdir.
extension FileSystem {
    package func opendir(_ inode: InodeNumber, _ reply: consuming Reply<OpenAnswer>) {
        perform(reply) { state, _ throws(FileSystemError) in
            guard let known = state.inodes[inode], !state.isTaken(inode) else { throw .stale }
            guard known.isDirectory else { throw .notDirectory }
            let handle = state.newHandle()
            if let parent = known.link?.parent { state.noteWalked(parent) }
            state.directories[handle] = OpenDirectory(
                inode: inode, failureSeen: state.nameFailures.reported)
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
            if offset == 0 || open.names == nil && open.pages == nil {
                if let need = try state.refresh(handle, open, moment) { return .need(need) }
                state.inodes.change(inode) { $0.directory?.wasRead = true }
            }
            guard state.readsPages(handle, at: offset) else {
                return .done(
                    state.entries(
                        handle, inode, from: offset, budget: budget, plus: plus, now: moment.now))
            }
            if let ahead = state.pageAhead(handle, offset) {
                state.actions.append { [self] in fetch(ahead) { _ in } }
            }
            return state.pageEntries(
                handle, inode, from: offset, budget: budget, plus: plus, now: moment.now)
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
        let answer: @Sendable (FileSystemError?) -> Void = { [self] error in
            let refused = withState { state in state.takeNameFailure(handle) }
            parked.end(error ?? refused)
        }
        if configuration.guarantee == .local {
            lanes.short.submit { [self] in
                awaitBarrier { [self] error in
                    let isBroken = withState { state in
                        state.prefix(inode).map { state.hasBroken(under: $0) } ?? false
                    }
                    answer(error.map { FileSystemError($0) } ?? (isBroken ? .inputOutput : nil))
                }
            }
            return
        }
        let prefix: KeyPrefix? = withState { state in state.prefix(inode) }
        guard let prefix else { return parked.succeed(()) }
        wait(parked) { whenOver in
            waitForAll(under: prefix, isPatient: false) { error in whenOver { answer(error) } }
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
            // What only settles is in the bucket.
            let heldBack = state.intents.heldBack()
            let keys = state.intents.pendingKeys(under: prefix).filter {
                state.intents.intents[$0].map { $0.settling == nil } ?? false
                    && !heldBack.contains($0)
            }
            guard !keys.isEmpty else { return false }
            let waiter = SyncWaiter(count: keys.count, done: done)
            if !isPatient { state.pause.probeNow() }
            for key in keys {
                if state.isConflict(key) {
                    // It stands until the user has spoken.
                    state.actions.append { waiter.settle(.stale) }
                    continue
                }
                state.intents.wait(key, waiter, isPatient: isPatient)
                state.intents.expedite(key, now: now)
            }
            state.intents.expediteWay(
                keys.filter { !state.isConflict($0) }, now: now, below: false,
                isAwaited: !isPatient)
            return true
        }
        if isWaiting { pump() } else { done(nil) }
    }
}

extension VolumeState {
    /// The directory's names in byte order, as they are now.
    mutating func snapshot(_ inode: InodeNumber) -> [OpenDirectory.Name] {
        if let shown = inodes[inode]?.directory?.shown { return shown }
        let names = sortedNames(inode)
        if names.count >= Self.sharedNamesMin { inodes[inode]?.directory?.shown = names }
        return names
    }

    /// Fewer names are gathered as quickly.
    private static let sharedNamesMin = 1_000

    private func sortedNames(_ inode: InodeNumber) -> [OpenDirectory.Name] {
        guard let directory = inodes[inode]?.directory else { return [] }
        var names: [OpenDirectory.Name] = []
        names.reserveCapacity(directory.entries.count)
        for (name, entry) in directory.entries { names.append(shown(name, entry)) }
        names.sort { $0.name < $1.name }
        return names
    }

    /// A name as readdir shows it.
    func shown(_ name: EntryName, _ entry: Directory.Entry) -> OpenDirectory.Name {
        switch entry {
        case .listed(let listed):
            return OpenDirectory.Name(
                name: name, inode: listed.number, kind: listedKind(listed.object))
        case .inode(let number):
            let known = inodes.look(number) { known -> (kind: FileKind, isSure: Bool) in
                (known.attributes.kind, known.attributesKnown || known.isDirectory)
            }
            let isSure = known?.isSure == true || hasOwnChanges(number) && !isMoved(number)
            let base = isSure ? nil : inodes.look(number, { $0.base }) ?? nil
            return OpenDirectory.Name(
                name: name, inode: number,
                kind: base.map { listedKind($0) } ?? known?.kind ?? .regular)
        }
    }

    /// What a listing alone tells of a name's kind; nil: nothing. The target of a link is its object's
    /// content, and FIFOs, sockets and devices have none.
    private func listedKind(_ object: BaseVersion?) -> FileKind? {
        guard let object else { return .directory }
        if configuration.attributeSource == .list, object.etag != .ofNothing { return .regular }
        return object.size > UInt64(FileSystem.targetMax) ? .regular : nil
    }

    /// Reading begins, or begins anew. What was read before stays as it was for who seeks back to it.
    mutating func refresh(
        _ handle: HandleID, _ open: OpenDirectory, _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> Need? {
        if isListingFresh(open.inode, now: moment.now, since: moment.since) {
            let names = snapshot(open.inode)
            directories[handle]?.names = names
            directories[handle]?.isPaged = false
            return nil
        }
        guard let directory = inodes[open.inode]?.directory else { throw .stale }
        if let denied = directory.deniedAt, denied >= moment.since { throw .accessDenied }
        guard directory.isLarge else { return .list(open.inode) }
        directories[handle]?.isPaged = true
        if let pages = open.pages {
            if pages.startedAt < moment.since {
                directories[handle]?.pages?.restart(at: moment.now)
            }
        } else {
            directories[handle]?.pages = DirectoryPages(startedAt: moment.now)
        }
        return nil
    }

    /// An offset belongs to the pages, or to the names read at once; the first ones to what is read now.
    func readsPages(_ handle: HandleID, at offset: UInt64) -> Bool {
        guard offset > 2 else { return directories[handle]?.isPaged ?? false }
        return !NameOffset.isOne(offset)
    }

    /// As many entries as fit. Offsets: 1 and 2 follow `.` and `..`.
    mutating func entries(
        _ handle: HandleID, _ inode: InodeNumber, from offset: UInt64, budget: DirectoryBudget,
        plus: Bool, now: Instant
    ) -> [DirectoryEntry] {
        guard let names = directories[handle]?.names else { return [] }
        var left = budget
        var entries = offset < 2 ? dots(inode, from: offset, budget: &left) : []
        var position = NameOffset.position(offset, in: names)
        while position < names.count, left.take(names[position].name.bytes.count) {
            let listed = names[position]
            position += 1
            entries.append(
                entry(
                    listed, next: NameOffset.after(position - 1, listed.name), plus: plus, now: now)
            )
        }
        return entries
    }

    /// `.` and `..`, as far as they come after `offset`.
    func dots(
        _ inode: InodeNumber, from offset: UInt64, budget: inout DirectoryBudget
    ) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        for dots in Int(offset) + 1...2 where budget.take(dots) {
            entries.append(
                DirectoryEntry(
                    name: nil, dots: dots, inode: dots == 2 ? parent(inode) : inode,
                    kind: .directory, next: UInt64(dots), entry: nil))
        }
        return entries
    }

    mutating func entry(
        _ listed: OpenDirectory.Name, next: UInt64, plus: Bool, now: Instant
    ) -> DirectoryEntry {
        DirectoryEntry(
            name: listed.name, dots: 0, inode: listed.inode, kind: listed.kind, next: next,
            entry: plus ? knownEntry(listed, now: now) : nil)
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
