package import RGWBase
import RGWObject
import RGWSpool

/// Reads: from the spool, from memory, or from the bucket with read-ahead.
extension FileSystem {
    private enum Source: Sendable {
        case answer(ReadAnswer)
        case failure(FileSystemError)
        case remote(ReadCache.Version, Range<UInt64>, size: UInt64)
        case partial(missingFrom: UInt64)
    }

    package func read(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, count: Int,
        _ reply: consuming Reply<ReadAnswer>
    ) {
        let (source, runs) = withState { state in
            Self.source(&state, inode, handle, offset: offset, count: count)
        }
        switch source {
        case .answer(let answer):
            reply.succeed(answer)
            for run in runs { fetchRun(run) }
        case .failure(let error): reply.fail(error)
        case .partial(let missing):
            readPartial(
                inode, handle, offset: offset, count: count, from: missing, reply.park())
        case .remote(let version, let range, let size):
            let parked = reply.park()
            wait(parked) { whenOver in
                let first = Reply<ReadAnswer> { [self] result in
                    whenOver { [self] in
                        guard case .failure(.stale) = result else {
                            withState { state in state.files[handle]?.hasRead = true }
                            return parked.send(result)
                        }
                        readNewVersion(inode, handle, offset: offset, count: count, parked)
                    }
                }
                awaitBlocks(version, handle, range, size: size, first.park())
            }
        }
    }

    /// Lets a read wait for its blocks, and fetches those that nobody fetches yet.
    private func awaitBlocks(
        _ version: ReadCache.Version, _ handle: HandleID, _ range: Range<UInt64>, size: UInt64,
        _ reply: ParkedReply<ReadAnswer>
    ) {
        // Between the locks a block may have arrived: decide again.
        let runs: [ReadCache.Run] = withState { state in
            if let slices = state.reads.cached(version, range) {
                state.actions.append { reply.succeed(.bytes(slices)) }
                return []
            }
            var pattern = state.files[handle]?.reading ?? ReadPattern()
            let runs = state.reads.wait(version, size: size, range: range, &pattern, reply)
            state.files[handle]?.reading = pattern
            return runs
        }
        for run in runs { fetchRun(run) }
    }

    /// The object was replaced since it was opened. A handle that has given out nothing of the old version
    /// goes on with the new one if that is as long; any other is stale, because a read never mixes two versions,
    /// nor one's size, which the program has been told, with the other's bytes.
    private func readNewVersion(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, count: Int,
        _ reply: ParkedReply<ReadAnswer>
    ) {
        fetch(.head(inode)) { [self] error in
            if let error { return reply.fail(error) }
            let (source, runs) = withState { state -> (Source, [ReadCache.Run]) in
                guard let file = state.files[handle], let known = state.inodes[inode],
                    file.mayGoOn(at: offset, count: count), known.attributes.size == file.size
                else { return (.failure(.stale), []) }
                state.files[handle]?.hasRead = true
                state.files[handle]?.foreignVersion = known.foreignVersion
                return Self.source(&state, inode, handle, offset: offset, count: count)
            }
            switch source {
            case .answer(let answer):
                reply.succeed(answer)
                for run in runs { fetchRun(run) }
            case .failure(let error): reply.fail(error)
            case .partial(let missing):
                readPartial(inode, handle, offset: offset, count: count, from: missing, reply)
            case .remote(let version, let range, let size):
                awaitBlocks(version, handle, range, size: size, reply)
            }
        }
    }

    /// Bytes of a file that is here in part are fetched into it before they are read.
    private func readPartial(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, count: Int, from missing: UInt64,
        _ reply: ParkedReply<ReadAnswer>
    ) {
        fetch(.fill(inode, missing)) { [self] error in
            if let error { return reply.fail(error) }
            read(inode, handle, offset: offset, count: count, Reply { reply.send($0) })
        }
    }

    private static func source(
        _ state: inout VolumeState, _ inode: InodeNumber, _ handle: HandleID, offset: UInt64,
        count: Int
    ) -> (Source, [ReadCache.Run]) {
        guard let file = state.files[handle], let known = state.inodes[inode] else {
            return (.failure(.badHandle), [])
        }
        if let spool = known.spoolFile {
            state.files[handle]?.hasRead = true
            return (.answer(.file(spool, offset: offset, count: count)), [])
        }
        if let partial = known.partial, let file = known.dataFile {
            let range = offset..<min(offset + UInt64(count), max(offset, known.attributes.size))
            if let gap = partial.missing.parts(of: range).first {
                return (.partial(missingFrom: gap.lowerBound), [])
            }
            state.files[handle]?.hasRead = true
            return (.answer(.file(file, offset: offset, count: count)), [])
        }
        guard let base = known.base else { return (.answer(.bytes([])), []) }
        // Rule: a read never mixes two versions; the file was replaced by another client.
        guard file.foreignVersion == known.foreignVersion else { return (.failure(.stale), []) }
        let end = min(base.size, offset + UInt64(count))
        guard offset < end else { return (.answer(.bytes([])), []) }
        let version = ReadCache.Version(inode, base)
        guard let cached = state.reads.cached(version, offset..<end) else {
            return (.remote(version, offset..<end, size: base.size), [])
        }
        var pattern = file.reading
        let runs = state.reads.advance(version, size: base.size, range: offset..<end, &pattern)
        state.files[handle]?.reading = pattern
        state.files[handle]?.hasRead = true
        return (.answer(.bytes(cached)), runs)
    }

    func fetchRun(_ run: ReadCache.Run) {
        let address = withState { state in state.location(run.version.inode) }
        guard let address else { return failRun(run, .stale) }
        let position = BlockPosition(first: run.firstBlock)
        store.get(
            address, range: run.range, matching: run.version.etag,
            expecting: ExpectedObject(size: run.size), lane: .bulk,
            blockSize: Int(run.blockBytes),
            onBlock: { [self] bytes in
                let index = position.next()
                withState { state in
                    for (reply, slices) in state.reads.deliver(run, index, bytes) {
                        state.actions.append {
                            reply.send(
                                slices.map { .success(.bytes($0)) } ?? .failure(.inputOutput))
                        }
                    }
                }
            }
        ) { [self] result in
            switch result {
            case .success:
                // Only blocks that never came are left.
                let missing = withState { state in
                    state.unreadable.forget(address, isContent: true)
                    return state.reads.isLoading(run)
                }
                failRun(run, missing ? incomplete(address) : .inputOutput)
            case .failure(let error):
                let isElsewhere = withState { state in
                    state.location(run.version.inode) != address
                }
                if isElsewhere {
                    // Renamed while it was asked for: the same version has another key.
                    fetchRun(run.rest(from: position.value))
                } else if error.kind == .preconditionFailed || error.kind == .noSuchKey {
                    withState { state in
                        state.inodes[run.version.inode]?.distrust()
                        state.noteAttributes(run.version.inode)
                    }
                    failRun(run, .stale)
                } else {
                    let waiting = withState { state in state.reads.fail(run) }
                    // What nobody has asked for need not be readable.
                    if !waiting.isEmpty { noteReadFailure(address, error, isContent: true) }
                    for reply in waiting { reply.fail(FileSystemError(error)) }
                }
            }
        }
    }

    private func failRun(_ run: ReadCache.Run, _ error: FileSystemError) {
        withState { state in
            for reply in state.reads.fail(run) { state.actions.append { reply.fail(error) } }
        }
    }
}
