import RGWBase
import RGWSpool

/// The way to the journal: one transaction for everybody who waits.
extension FileSystem {
    /// Answers when the change survives `kill -9`; with `commit=0` when it survives a power cut.
    func commit<Value: Sendable>(
        _ ticket: UInt64, reply: ParkedReply<Value>, _ result: Result<Value, FileSystemError>
    ) {
        commit(ticket) { [self] error in
            let send: @Sendable (SpoolError?) -> Void = { error in
                if let error { reply.fail(FileSystemError(error)) } else { reply.send(result) }
            }
            if error == nil, configuration.commitInterval == .zero {
                awaitBarrier(send)
            } else {
                send(error)
            }
            pump()
        }
    }

    /// Calls back once everything up to `ticket` survives `kill -9`; at once if it does already.
    func commit(_ ticket: UInt64, then done: @escaping @Sendable (SpoolError?) -> Void) {
        let mine = withState { state in
            state.journal.wait(ticket, done)
            return state.journal.isCommitting ? false : state.journal.hasWaiters
        }
        guard mine else { return }
        if ThreadDuty.current?.handsCommitsOver == true {
            onJournalThread { [self] in runCommits(for: nil) }
        } else {
            runCommits(for: ticket)
        }
    }

    /// The journal's thread goes on with it; where there is none, this one.
    private func onJournalThread(_ job: @escaping @Sendable () -> Void) {
        guard let journal = lanes.journal, ThreadDuty.current != .journal else { return job() }
        journal.submit(job)
    }

    /// Commits what is queued, and what others queue meanwhile. A thread that came for its own `ticket` does not go on
    /// for others after that; the journal's thread (nil) does until nobody waits.
    private func runCommits(for ticket: UInt64?) {
        ThreadDuty.assertMayWait("a commit")
        while true {
            enum Next: Sendable {
                case commit(JournalQueue.Batch, [DataID])
                case nothing
                case others
            }
            let next: Next = withState { state in
                guard !state.journal.isCommitting, state.journal.hasWaiters else { return .nothing }
                if let ticket, lanes.journal != nil, state.journal.committed >= ticket {
                    return .others
                }
                defer { state.discarded = [] }
                return .commit(state.journal.begin(), state.discarded)
            }
            guard case .commit(let batch, let discarded) = next else {
                if case .others = next { onJournalThread { [self] in runCommits(for: nil) } }
                return
            }
            failpoint(.journalCommit)
            let failure = write(batch.changes, .process)
            failpoint(.journalCommitted)
            if let failure {
                // Before those who wait are told: nobody's next change is accepted, and the log says why.
                if failure != .full { breakSpool(failure, "the journal") }
                withState { state in
                    state.discarded.append(contentsOf: discarded)
                    let (told, takenBack) = state.journal.fail(batch)
                    state.takeBack(takenBack, FileSystemError(failure))
                    for done in told { state.actions.append { done(failure) } }
                }
                continue
            }
            withState { state in
                state.removing += discarded.count
                for done in state.journal.end(batch) { state.actions.append { done(nil) } }
            }
            if !discarded.isEmpty { failpoint(.dataUnneeded) }
            if !discarded.isEmpty { onJournalThread { [self] in removeTaken(discarded) } }
            scheduleBarrier()
        }
    }

    /// A data file that cannot be removed is found by the next recovery.
    func remove(_ discarded: [DataID]) {
        if discarded.isEmpty { return }
        for id in discarded {
            do throws(SpoolError) { try spool.remove(id) } catch {
                noteSpoolFailure(error, "removing data file \(id.value)")
            }
        }
        restoreReserve()
        resumeParked()
    }

    /// Those that the state counts as `removing`.
    func removeTaken(_ discarded: [DataID]) {
        if discarded.isEmpty { return }
        remove(discarded)
        withState { state in state.removing -= discarded.count }
    }

    private func write(_ changes: [JournalChange], _ durability: Durability) -> SpoolError? {
        if changes.isEmpty { return nil }
        return withReserve { () throws(SpoolError) in
            try journalStore.commit(changes, durability: durability)
        }
    }

    /// On a full disk the reserve is given up for what the journal has to do.
    func withReserve(_ body: () throws(SpoolError) -> Void) -> SpoolError? {
        for attempt in 1...2 {
            do throws(SpoolError) {
                try body()
                return nil
            } catch {
                guard error == .full, attempt == 1, releaseReserve() else { return error }
            }
        }
        return nil
    }

    /// Commits from a thread that has nothing to reply to.
    func commitInBackground() {
        let ticket: UInt64? = withState { state in
            state.journal.committed < state.journal.enqueued || !state.discarded.isEmpty
                ? state.journal.enqueued : nil
        }
        if let ticket { commit(ticket) { _ in } }
    }

    /// Commits before the mount answers.
    func commitNow() -> SpoolError? {
        let (batch, discarded) = withState { state in
            defer {
                state.discarded = []
                state.discardedSealed = []
            }
            return (state.journal.begin(), state.discarded + state.discardedSealed)
        }
        let failure = write(batch.changes, .power)
        withState { state in
            if failure == nil {
                _ = state.journal.end(batch)
            } else {
                _ = state.journal.fail(batch)
            }
        }
        if failure == nil { remove(discarded) }
        return failure
    }
}
