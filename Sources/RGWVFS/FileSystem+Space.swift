import RGWBase
import RGWSpool

/// The spool's space: what is taken, who waits for it, and the reserve for a full disk.
extension FileSystem {
    func spaceReading() -> SpoolSpace.Reading {
        let now = clock.now()
        return SpoolSpace.Reading(
            now: now, used: meter.used, free: meter.free(spool, now: now), moved: meter.moved)
    }

    /// What `decision` says of a write. What is known of the disk may be old, and the reserve may be out
    /// although there is room for it again: both are looked at before a program is told that the disk is full.
    func decide<Start: Sendable>(
        _ isFull: (Start) -> Bool,
        _ decision: (inout VolumeState, SpoolSpace.Reading) -> Start
    ) -> Start {
        let known = spaceReading()
        let start = withState { state in decision(&state, known) }
        guard isFull(start) else { return start }
        restoreReserve()
        meter.forgetFree()
        let fresh = spaceReading()
        return withState { state in decision(&state, fresh) }
    }

    /// How often waiting writers look whether there is room, beside every commit that removed a file.
    private static let lookPause = Duration.milliseconds(200)

    /// Keeps a timer while writers wait.
    func watchParked() {
        let starts = withState { state in
            guard !state.space.parked.isEmpty, !state.space.isWatched else { return false }
            state.space.isWatched = true
            return true
        }
        guard starts else { return }
        timer.schedule(at: clock.now() + Self.lookPause) { [self] in
            withState { state in state.space.isWatched = false }
            resumeParked()
        }
    }

    /// Every waiting writer decides again, in the order in which they came.
    func resumeParked() {
        let parked = withState { state in
            let parked = state.space.parked
            state.space.parked = []
            return parked
        }
        guard !parked.isEmpty else { return }
        lanes.spool.submit { for resume in parked { resume() } }
    }

    /// Goes on with a new data file. Each keeps a descriptor until its bytes are in the bucket: when there are
    /// no more, this waits as a writer does for whom there is no room. `parking`: how it waits.
    func withNewData(
        isLastTry: Bool = false,
        parking: @escaping @Sendable (_ resume: @escaping @Sendable () -> Void) -> Void,
        failed: @escaping @Sendable (FileSystemError) -> Void,
        _ use: @escaping @Sendable (DataID, any SpoolFile) -> Void
    ) {
        if ThreadDuty.current?.mustNotWait == true {
            return lanes.spool.submit { [self] in
                withNewData(isLastTry: isLastTry, parking: parking, failed: failed, use)
            }
        }
        let data: (id: DataID, file: any SpoolFile)
        do throws(SpoolError) { data = try newData() } catch {
            guard error == .tooManyFiles else { return failed(FileSystemError(error)) }
            guard let verdict = shortage() else { return failed(.shuttingDown) }
            let isHopeless = verdict == .refused
            // One is closed a little after the state has forgotten its file.
            if isHopeless, isLastTry { return failed(.tooManyFiles) }
            return parking { [self] in
                withNewData(isLastTry: isHopeless, parking: parking, failed: failed, use)
            }
        }
        use(data.id, data.file)
    }

    /// Is it worth waiting? What can make room begins now. Nil: the mount stops.
    private func shortage() -> SpoolSpace.Verdict? {
        let reading = spaceReading()
        let verdict: SpoolSpace.Verdict? = withState { state in
            if state.isStopping { return nil }
            if state.space.mayRelieve(reading.now) { state.relieve(reading.now) }
            return state.shortage(reading, of: .descriptors)
        }
        commitInBackground()
        return verdict
    }

    /// Goes on when there may be room.
    func park(_ resume: @escaping @Sendable () -> Void) {
        let isHeldBySeals = withState { state in
            state.space.parked.append(resume)
            return !state.discardedSealed.isEmpty
        }
        watchParked()
        // What nobody needs any more goes after the next barrier: now rather than in a while.
        if isHeldBySeals { lanes.short.submit { [self] in awaitBarrier { _ in } } }
        pump()
    }

    /// The same for a program that may be killed meanwhile.
    func park<Value: Sendable>(
        _ reply: ParkedReply<Value>, _ resume: @escaping @Sendable () -> Void
    ) {
        wait(reply) { whenOver in park { whenOver(resume) } }
    }

    /// The reserve goes back to the disk; false: there is none.
    func releaseReserve() -> Bool {
        let released = (try? spool.releaseReserve()) ?? false
        if released { withState { state in state.space.isReserveOut = true } }
        return released
    }

    /// Sets the reserve aside again when there is room for it.
    func restoreReserve() {
        let isOut = withState { state in state.space.isReserveOut }
        guard isOut else { return }
        keepReserve()
    }

    /// Bytes for commits on a full disk: more than the journal's log ever holds, but no large part of a
    /// small disk.
    private static let reserveMax: UInt64 = 32 << 20
    private static let reserveShare: UInt64 = 64

    func keepReserve() {
        guard let volume = try? spool.volume() else { return }
        let bytes = min(Self.reserveMax, volume.totalBytes / Self.reserveShare)
        do throws(SpoolError) {
            try spool.keepReserve(bytes)
            withState { state in state.space.isReserveOut = false }
        } catch {
            // There is no room for it now; the next file that goes makes some. A filesystem that cannot set room
            // aside (EOPNOTSUPP, fallocate(2)) has none to give up.
            let isImpossible = if case .failed(_, 95) = error { true } else { false }
            withState { state in state.space.isReserveOut = !isImpossible }
        }
    }

    /// An I/O error of the spool (a full disk is none, nor is one damaged file): nothing more is accepted
    /// from now on.
    func noteSpoolFailure(_ error: SpoolError, _ doing: String) {
        if case .failed = error { breakSpool(error, doing) }
    }

    func breakSpool(_ error: SpoolError, _ doing: String) {
        let isNew = withState { state in
            let isNew = state.spoolFailure == nil
            if isNew { state.spoolFailure = error }
            return isNew
        }
        if isNew { events(.spoolFailed(.init(detail: "\(doing): \(error)"))) }
    }
}
