import RGWBase
import RGWObject
import RGWSpool

/// Fetches what operations lack: one request of a kind at a time, shared by everybody who waits.
extension FileSystem {
    func fetch(_ need: Need, then done: @escaping @Sendable (FileSystemError?) -> Void) {
        let isFirst = withState { state in
            state.fetches[need, default: []].append(done)
            return state.fetches[need]?.count == 1
        }
        if isFirst { start(need) }
    }

    /// Ends a fetch: `absorb` takes the answer in, then everybody who waited goes on.
    func finish(
        _ need: Need, _ error: FileSystemError?, absorb: (inout VolumeState) -> Void = { _ in }
    ) {
        let (hasDropped, hasUrgent) = withState { state in
            let before = state.discarded.count + state.discardedSealed.count
            absorb(&state)
            state.endNeed(need, error)
            let hasUrgent = state.intents.hasUrgent
            if hasUrgent { state.intents.hasUrgent = false }
            return (state.discarded.count + state.discardedSealed.count > before, hasUrgent)
        }
        if hasUrgent, pump() { return }
        // A copy of a version that is gone: nobody may ask for anything for a while.
        if hasDropped || hasUrgent { commitInBackground() }
    }

    private func start(_ need: Need) {
        switch need {
        case .list(.root) where layout.isAllBuckets: listBuckets(need)
        case .list(let directory): list(need, directory)
        case .scan(let directory): scan(need, directory)
        case .page(let handle, let index): page(need, handle, index)
        case .names(let parent, let name): names(need, parent, from: name)
        case .probe(let parent, let name): probe(need, parent, name)
        case .head(let inode): head(need, inode)
        case .target(let inode): target(need, inode)
        case .hydrate(let inode, let length): hydrate(need, inode, length: length)
        case .rebase(let inode): rebase(need, inode)
        case .renew(let inode): renew(need, inode)
        case .tags(let inode): tags(need, inode)
        case .usage: fetchUsage(need)
        case .part(let inode): beginPartial(need, inode)
        case .fill(let inode, let offset): fillForReader(need, inode, from: offset)
        case .whole(let inode): complete(need, inode)
        case .quiet(let inode):
            // Ends when the last write or fetch does.
            let isQuiet = withState { state in state.inodes[inode]?.partial?.isQuiet ?? true }
            if isQuiet { finish(need, nil) }
        case .still(let inode):
            let isStill = withState { state in state.inodes[inode]?.writesUnderWay ?? 0 == 0 }
            if isStill { finish(need, nil) }
        case .thawed(let inode):
            let isFrozen = withState { state in state.inodes[inode]?.isFrozen ?? false }
            if !isFrozen { finish(need, nil) }
        case .cut(let inode, let size, let number): cut(need, inode, to: size, number)
        case .landing(let address):
            // Ends when the flight does (settle).
            let isFlying = withState { state in state.intents.flights[address] != nil }
            if !isFlying { finish(need, nil) }
        case .landings(let prefix):
            let isFlying = withState { state in
                state.intents.flights.keys.contains(where: prefix.contains)
            }
            if !isFlying { finish(need, nil) }
        case .landed(let address): awaitLanding(need, [address])
        case .landedBelow(let prefix):
            let keys = withState { state in state.intents.pendingKeys(under: prefix) }
            awaitLanding(need, keys.filter { prefix.contains($0) })
        }
    }

    /// Runs the copies that wait for these keys now, and ends when they are done.
    private func awaitLanding(_ need: Need, _ keys: [ObjectAddress]) {
        let now = clock.now()
        let isWaiting = withState { state in
            let pending = keys.filter { state.intents.copySource($0) != nil }
            guard !pending.isEmpty else { return false }
            let waiter = SyncWaiter(count: pending.count) { [self] error in finish(need, error) }
            for key in pending {
                state.intents.wait(key, waiter, isPatient: false)
                state.intents.expedite(key, now: now)
            }
            return true
        }
        if isWaiting { pump() } else { finish(need, nil) }
    }

    // MARK: Attributes

    private func head(_ need: Need, _ inode: InodeNumber) {
        let shadow = withState { state in state.shadow(inode) }
        guard let shadow else { return listOrHead(need, inode) }
        store.head(shadow) { [self] result in
            // What cannot be read stands for nothing.
            withState { state in state.noteShadow(inode, try? result.get()) }
            headObject(need, inode)
        }
    }

    func headObject(_ need: Need, _ inode: InodeNumber) {
        recall(inode) { [self] isKnown in
            if isKnown { finish(need, nil) } else { askObject(need, inode) }
        }
    }

    private func askObject(_ need: Need, _ inode: InodeNumber) {
        let startedAt = clock.now()
        let known = withState {
            state -> (ObjectAddress, isDirectory: Bool, parent: InodeNumber?)? in
            guard let address = state.location(inode), let known = state.inodes[inode] else {
                return nil
            }
            if let link = known.link { state.beginLoad(link.parent) }
            return (address, known.isDirectory, known.link?.parent)
        }
        guard let (address, isDirectory, parent) = known else { return finish(need, nil) }
        let isBucket = withState { state in state.isBucket(inode) }
        ask(inode, address) { [self] result, body in
            let isMoved = withState { state in state.location(inode) != address }
            if isMoved {
                // Renamed meanwhile: the answer is about another file. Whoever waited decides again.
                return finish(need, nil) { state in if let parent { state.endLoad(parent) } }
            }
            switch result {
            case .success(let head):
                finish(need, nil) { state in
                    state.unreadable.forget(address, isContent: false)
                    // RGW answers HEAD of `bucket//` with the bucket's headers: only an object
                    // with POSIX metadata is the root's. Source: s3fs-fuse #2653.
                    let isAmbiguous = isBucket && address.key.bytes == [0x2F]
                    if !isAmbiguous || head.metadata.user["mode"] != nil {
                        state.absorbHead(inode, head, startedAt: startedAt)
                        state.remember(
                            inode, address, head, startedAt: startedAt, now: clock.now())
                        if let body { state.keep(body, of: inode, head) }
                    } else {
                        state.absorbImplicit(inode, startedAt: startedAt)
                    }
                    if let parent { state.endLoad(parent) }
                }
            case .failure(let error) where error.kind == .noSuchKey && isDirectory:
                headOldMarker(need, inode, address, parent, startedAt: startedAt)
            case .failure(let error) where error.kind == .accessDenied && isDirectory:
                // A marker that may not be read says nothing; what is below has rights of its own.
                finish(need, nil) { state in
                    if let parent { state.endLoad(parent) }
                    state.absorbImplicit(inode, startedAt: startedAt)
                }
            case .failure(let error) where error.kind == .noSuchKey:
                finish(need, nil) { state in
                    if let parent { state.endLoad(parent) }
                    state.unreadable.forget(address, isContent: true)
                    state.absorbAbsence(inode, startedAt: startedAt)
                }
            case .failure(let error):
                noteReadFailure(address, error)
                finish(need, listingError(error)) { state in
                    if let parent { state.endLoad(parent) }
                    state.noteListingFailure(error)
                }
            }
            commitInBackground()
        }
    }

    /// HEAD, or a GET of a small file that will probably be read. What the listing showed must still be there; what GET
    /// cannot tell is left to HEAD.
    private func ask(
        _ inode: InodeNumber, _ address: ObjectAddress,
        then done: @escaping @Sendable (Result<ObjectHead, ObjectStoreError>, [UInt8]?) -> Void
    ) {
        let version = withState { state in state.smallVersion(inode) }
        guard let version else {
            store.head(address) { done($0, nil) }
            return
        }
        let body = Collector()
        store.get(
            address, range: nil, matching: version.etag,
            expecting: ExpectedObject(size: version.size), lane: .metadata,
            blockSize: Int(clamping: version.size), onBlock: { body.append($0) }
        ) { [store] result in
            if case .success = result { return done(result, body.bytes) }
            store.head(address) { done($0, nil) }
        }
    }

    /// Tags are lost by a change unless it sends them again.
    private func tags(_ need: Need, _ inode: InodeNumber) {
        let known = withState { state -> (ObjectAddress, ETag)? in
            guard let address = state.location(inode), let base = state.inodes[inode]?.base else {
                return nil
            }
            return (address, base.etag)
        }
        guard let (address, etag) = known else { return finish(need, .stale) }
        store.tags(of: address) { [self] result in
            switch result {
            case .failure(let error):
                noteReadFailure(address, error)
                finish(need, FileSystemError(error))
            case .success(let tags):
                finish(need, nil) { state in
                    guard state.inodes[inode]?.base?.etag == etag else { return }
                    state.inodes[inode]?.metadata.tags = tags
                    state.inodes[inode]?.metadata.tagCount = tags.split(separator: "&").count
                }
            }
        }
    }

    /// Fetches what will probably be asked for next, in readdir order: attributes, and bytes where files are read.
    func readAhead(_ parent: InodeNumber, after name: EntryName) {
        let next = withState { state in
            state.ahead(parent, after: name, now: clock.now(), time: clock.wallTime())
        }
        for inode in next.attributes { fetch(.head(inode)) { _ in } }
        for run in next.bodies { fetchRun(run) }
    }

    // MARK: Links

    /// Longest symbolic link. Source: PATH_MAX, limits.h.
    static let targetMax = 4096

    /// After a restart the target of an unsent link is in the spool only.
    private func readTarget(_ need: Need, _ inode: InodeNumber, _ link: any SpoolFile) {
        do throws(SpoolError) {
            let target = try link.read(at: 0, count: Self.targetMax)
            finish(need, nil) { state in state.inodes[inode]?.symlinkTarget = target }
        } catch { finish(need, FileSystemError(error)) }
    }

    private func target(_ need: Need, _ inode: InodeNumber) {
        let known = withState { state -> (ObjectAddress, BaseVersion)? in
            guard let address = state.location(inode), let base = state.inodes[inode]?.base else {
                return nil
            }
            return (address, base)
        }
        if let link = withState({ state in state.inodes[inode]?.spoolFile }) {
            return lanes.spool.submit { [self] in readTarget(need, inode, link) }
        }
        guard let (address, base) = known else { return finish(need, .stale) }
        guard base.size <= UInt64(Self.targetMax) else { return finish(need, .inputOutput) }
        let blocks = Collector()
        store.get(
            address, range: nil, matching: base.etag, expecting: ExpectedObject(size: base.size),
            lane: .metadata, blockSize: Self.targetMax, onBlock: { blocks.append($0) }
        ) { [self] result in
            switch result {
            case .failure(let error):
                noteReadFailure(address, error, isContent: true)
                finish(need, FileSystemError(error))
            case .success where UInt64(blocks.bytes.count) != base.size:
                finish(need, incomplete(address))
            case .success:
                finish(need, nil) { state in
                    state.unreadable.forget(address, isContent: true)
                    state.inodes[inode]?.symlinkTarget = blocks.bytes
                }
            }
        }
    }
}
