package import RGWBase
import RGWObject
import RGWSpool

/// open, create, read, write, flush, fsync, release.
extension FileSystem {
    /// The same reply, which also removes a data file made in advance when the operation fails.
    /// `adopted`: entered when an inode took the file; then a failing journal does not take it away again.
    func discarding<Value: Sendable>(
        _ data: DataID?, unless adopted: OnceGate, onFailureOf reply: consuming Reply<Value>
    ) -> Reply<Value> {
        let parked = reply.park()
        return Reply(interruption: parked.interruption) { [self] result in
            if case .failure = result, let data, adopted.enter() {
                withState { state in state.discard(data) }
                commitInBackground()
            }
            parked.send(result)
        }
    }

    /// The same reply, which also closes a new file that the journal could not keep: nobody has its
    /// handle, so nobody else would.
    private func undoing(
        _ created: CreatedFile, _ reply: consuming Reply<CreateAnswer>
    )
        -> Reply<CreateAnswer>
    {
        let parked = reply.park()
        return Reply(interruption: parked.interruption) { [self] result in
            if case .failure = result, let (inode, handle) = created.value {
                let (now, time) = (clock.now(), clock.wallTime())
                withState { state in
                    state.release(inode, handle, Moment(now: now, since: now, time: time))
                }
            }
            parked.send(result)
        }
    }

    package func open(
        _ inode: InodeNumber, _ flags: OpenFlags, _ reply: consuming Reply<OpenAnswer>
    ) {
        perform(reply) { [self] state, moment throws(FileSystemError) in
            guard let known = state.inodes[inode], !state.isTaken(inode) else { throw .stale }
            if known.isDirectory { throw .isDirectory }
            if flags.write && state.isReadOnly { throw .readOnly }
            if flags.write, let address = state.address(inode),
                state.rights.isRefused(address, now: moment.now)
            {
                throw .accessDenied
            }
            // What the lookup after an ESTALE found is of this open too.
            let since = min(moment.since, known.reopenedAt ?? moment.since)
            let need =
                flags.write
                ? state.changeNeed(inode, now: moment.now, since: since)
                : state.configuration.closeToOpen
                    ? state.attributeNeed(inode, now: moment.now, since: since) : nil
            if let need { return .need(need) }
            if !flags.truncate, state.isBehind(inode, moment.now) { throw .stale }
            if flags.write { try state.refuseManifest(inode) }
            if flags.truncate, let need = try state.truncateToNothing(inode, moment) {
                return .need(need)
            }
            if flags.dropsPrivileges { _ = state.dropPrivileges(inode, moment) }
            let answer = try state.openFile(inode, flags)
            if !flags.write, let link = known.link, state.follows(inode, link.name, in: link.parent)
            {
                state.actions.append { [self] in readAhead(link.parent, after: link.name) }
            }
            return .done(answer)
        }
    }

    package func create(
        _ parent: InodeNumber, _ name: EntryName, permissions: UInt32, _ flags: OpenFlags,
        _ caller: Caller, _ reply: consuming Reply<CreateAnswer>
    ) {
        if flags.exclusive, configuration.guarantee == .synchronous {
            return createExclusively(parent, name, permissions: permissions, flags, caller, reply)
        }
        let data: (id: DataID, file: any SpoolFile)?
        do throws(SpoolError) { data = try newData() } catch {
            guard error == .tooManyFiles else { return reply.fail(FileSystemError(error)) }
            // Nobody else gets into the directory while this waits: the first write waits instead.
            data = nil
        }
        let adopted = OnceGate()
        let created = CreatedFile()
        let guarded = discarding(data?.id, unless: adopted, onFailureOf: undoing(created, reply))
        perform(guarded, undoes: true) { state, moment throws(FileSystemError) in
            let attributes = FileAttributes(
                madeBy: caller, .regular, permissions: permissions, at: moment.time)
            let made = try state.make(
                parent, name, attributes,
                content: data.map { .spool($0.id, $0.file) } ?? .remote, moment)
            guard case .done(let inode) = made else { return made.asNeed() }
            state.inodes[inode]?.unflushed = true
            state.wantPut(inode, now: moment.now, time: moment.time, held: true)
            _ = adopted.enter()
            let entry = try state.entryAnswer(inode, now: moment.now)
            let open = try state.openFile(inode, flags)
            // After unlocking: no lock is taken under another.
            state.actions.append { created.set(inode, open.handle) }
            return .done(CreateAnswer(entry: entry, open: open))
        }
    }

    package func flush(
        _ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>
    ) {
        if configuration.guarantee == .synchronous {
            return fsync(inode, handle, dataOnly: false, reply)
        }
        let moment = moment()
        let (failure, ticket) = withState { state -> (FileSystemError?, UInt64?) in
            if state.isStopping { return (.shuttingDown, nil) }
            // A reader's close confirms nothing that a writer has still under way.
            let ticket =
                state.files[handle]?.flags.write == true
                ? state.close(inode, moment) : nil
            return (state.takeFailure(handle), ticket)
        }
        let result: Result<Void, FileSystemError> = failure.map { .failure($0) } ?? .success(())
        if let ticket { return commit(ticket, reply: reply.park(), result) }
        reply.send(result)
        scheduleBarrier()
        pump()
    }

    package func fsync(
        _ inode: InodeNumber, _ handle: HandleID, dataOnly: Bool, _ reply: consuming Reply<Void>
    ) {
        let parked = reply.park()
        let flushed = Reply<Void> { [self] result in
            if case .failure(let error) = result { return parked.fail(error) }
            if configuration.guarantee == .local {
                workers.submit { [self] in
                    awaitBarrier(fsynced: inode) { [self] error in
                        let failure: FileSystemError? = withState { state in
                            state.takeFailure(handle)
                                ?? (state.isBroken(inode) ? .inputOutput : nil)
                        }
                        parked.end(error.map { FileSystemError($0) } ?? failure)
                    }
                }
            } else {
                waitForBucket(inode, handle, parked)
            }
        }
        perform(flushed) { state, moment throws(FileSystemError) in
            state.flush(inode, moment)
            return .done(())
        }
    }

    /// Answers when the file's changes made so far are in the bucket.
    func waitForBucket(
        _ inode: InodeNumber, _ handle: HandleID?, _ reply: ParkedReply<Void>
    ) {
        let now = clock.now()
        let answer: @Sendable (FileSystemError?) -> Void = { [self] error in
            let failure = withState { state in handle.flatMap { state.takeFailure($0) } }
            reply.end(error ?? failure)
        }
        wait(reply) { whenOver in
            let over: @Sendable (FileSystemError?) -> Void = { error in
                whenOver { answer(error) }
            }
            let waits = withState { state in
                guard let address = state.address(inode), state.intents.intents[address] != nil,
                    !state.intents.settlingKeys.contains(address)
                else { return false }
                if state.isConflict(address) {
                    state.actions.append { over(.stale) }
                    return true
                }
                state.intents.wait(
                    address, SyncWaiter(count: 1, done: over), isPatient: false)
                state.intents.expediteWay(address, now: now)
                state.pause.probeNow()
                return true
            }
            if waits { pump() } else { over(nil) }
        }
    }

    package func release(
        _ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>
    ) {
        perform(reply) { state, moment throws(FileSystemError) in
            state.release(inode, handle, moment)
            return .done(())
        }
        pump()
    }
}
