import RGWBase
import RGWObject
import RGWSpool

/// Large objects that are changed in part: the spool has what was written, the rest comes when needed.
extension FileSystem {
    private static let blockBytes = 1 << 20
    /// Fetched at once for a reader, and for completing a file.
    private static let readRun: UInt64 = 8 << 20
    private static let wholeRun: UInt64 = 256 << 20

    // MARK: Beginning

    /// Makes the data file of a clean large object, with nothing in it yet.
    func beginPartial(_ need: Need, _ inode: InodeNumber) {
        let base = withState { state in
            state.inodes[inode].flatMap { $0.dataID == nil ? $0.base : nil }
        }
        guard let base else { return finish(need, nil) }
        withNewData(
            parking: { [self] in park($0) }, failed: { [self] in finish(need, $0) }
        ) { [self] id, file in
            do throws(SpoolError) { try file.truncate(to: base.size) } catch {
                return finish(need, FileSystemError(error)) { state in state.discard(id) }
            }
            finish(need, nil) { state in
                if !state.adoptPartial(inode, (id, file), base) { state.discard(id) }
            }
            commitInBackground()
        }
    }

    // MARK: Fetching what is missing

    /// Supplies the bytes around `offset` for a reader.
    func fillForReader(_ need: Need, _ inode: InodeNumber, from offset: UInt64) {
        let run = withState { state in
            state.inodes[inode]?.partial.flatMap { partial in
                partial.nextRun(from: offset, limit: Self.readRun).map { (partial, $0) }
            }
        }
        guard let (partial, run) = run else { return finish(need, nil) }
        fetchRun(inode, partial, run) { [self] error in finish(need, error) }
    }

    /// Supplies everything that is missing, until the data file is whole and on the disk.
    func complete(_ need: Need, _ inode: InodeNumber) {
        enum Next: Sendable {
            case done
            case run(Partial, Range<UInt64>)
            case wait
            case sync(any SpoolFile)
        }
        let next: Next = withState { state in
            guard let known = state.inodes[inode], let partial = known.partial,
                let file = known.dataFile
            else { return .done }
            if let run = partial.nextRun(limit: Self.wholeRun) { return .run(partial, run) }
            return partial.isComplete ? .sync(file) : .wait
        }
        switch next {
        case .done: finish(need, nil)
        case .run(let partial, let run):
            fetchRun(inode, partial, run) { [self] error in
                if let error { return finish(need, error) }
                complete(need, inode)
            }
        case .wait:
            fetch(.quiet(inode)) { [self] _ in
                lanes.spool.submit { [self] in complete(need, inode) }
            }
        case .sync(let file):
            // Its row may not go before its bytes are safe: what was fetched is not written twice.
            lanes.long.submit { [self] in
                guard let error = sync([file]) else {
                    withState { state in state.finishPartial(inode) }
                    commitInBackground()
                    return finish(need, nil)
                }
                breakSpool(error, "syncing a data file")
                let ticket = withState { state in
                    if let data = state.inodes[inode]?.dataID { state.markBroken(inode, data) }
                    return state.journal.enqueued
                }
                commit(ticket) { [self] _ in finish(need, .inputOutput) }
            }
        }
    }

    private func fetchRun(
        _ inode: InodeNumber, _ partial: Partial, _ run: Range<UInt64>,
        then done: @escaping @Sendable (FileSystemError?) -> Void
    ) {
        let filler = BlockSink(from: run.lowerBound, lanes.spool, blockRoom) { [self] in
            fill(inode, $0, $1)
        }
        store.get(
            partial.source, range: run, matching: partial.etag,
            expecting: ExpectedObject(size: partial.sourceSize), lane: .bulk,
            blockSize: Self.blockBytes,
            onBlock: { filler.take($0) }
        ) { [self] result in
            filler.whenWritten { [self] in
                switch result {
                case .success where filler.error == nil && filler.end != run.upperBound:
                    // What is missing stays so; without an end here it would be asked for again at once.
                    done(incomplete(partial.source))
                case .success: done(filler.error.map { FileSystemError($0) })
                case .failure(let error)
                where error.kind == .preconditionFailed || error.kind == .noSuchKey:
                    done(.stale)
                case .failure(let error):
                    noteReadFailure(partial.source, error, isContent: true)
                    done(FileSystemError(error))
                }
            }
        }
    }

    /// Writes fetched bytes where nothing was written.
    private func fill(_ inode: InodeNumber, _ offset: UInt64, _ block: [UInt8]) -> SpoolError? {
        let range = offset..<offset + UInt64(block.count)
        let claimed: (parts: [Range<UInt64>], file: any SpoolFile)? = withState { state in
            guard let file = state.inodes[inode]?.dataFile,
                let parts = state.inodes[inode]?.partial?.fill(range), !parts.isEmpty
            else { return nil }
            return (parts, file)
        }
        guard let (parts, file) = claimed else { return nil }
        var failure: SpoolError?
        for part in parts where failure == nil {
            let from = Int(part.lowerBound - offset)
            let to = Int(part.upperBound - offset)
            do throws(SpoolError) {
                try file.write(block.span.extracting(from..<to), at: part.lowerBound)
            } catch { failure = error }
        }
        withState { state in
            state.inodes[inode]?.partial?.filled(parts, succeeded: failure == nil)
        }
        endQuiet(inode)
        return failure
    }

    // MARK: Before a key changes

    /// A file that must be whole before a request changes this key: the one that is sent, or one whose
    /// missing bytes are there.
    func needsFirst(_ flight: IntentTable.Flight) -> InodeNumber? {
        withState { state in
            state.partials.first { number in
                guard let partial = state.inodes[number]?.partial else { return false }
                return number == flight.inode || partial.source == flight.address
            }
        }
    }

    /// Why a request cannot be sent yet, as a failure of that request.
    static func incomplete(
        _ flight: IntentTable.Flight, _ error: FileSystemError
    ) -> ObjectStoreError {
        let operation = "\(flight.want) \(flight.address)"
        switch error {
        case .stale:
            return ObjectStoreError(
                .bodyUnreadable, operation: operation,
                message: "another client replaced the object, whose unchanged part is needed")
        case .spoolFull:
            return ObjectStoreError(
                .busy, operation: operation, message: "no room in the spool for the whole file")
        default:
            return ObjectStoreError(
                .unreachable, operation: operation,
                message: "the unchanged part of the file could not be fetched (\(error))")
        }
    }
}
