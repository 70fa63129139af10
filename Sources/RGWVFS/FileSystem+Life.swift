package import RGWBase
import RGWObject
import RGWSpool
import Synchronization

/// Starting, draining, stopping, and what waits.
extension FileSystem {
    /// Begins to upload what recovery found.
    package func start() { pump() }

    /// Sends everything that waits, open files included, and calls back when nothing is left or at the
    /// deadline, with what is left then. After the last unmount: nobody changes files any more.
    package func drain(
        deadline: Instant, completion: @escaping @Sendable (VolumeStatus) -> Void
    ) {
        let now = clock.now()
        let time = clock.wallTime()
        withState { state in
            let moment = Moment(now: now, since: now, time: time)
            let unflushed = state.inodes.values.filter(\.unflushed).map(\.number)
            for inode in unflushed { state.flush(inode, moment) }
            for address in state.intents.intents.held { state.intents.setHeld(address, false) }
        }
        commitInBackground()
        let once = OnceGate()
        let finish: @Sendable () -> Void = { [self] in
            if once.enter() { completion(status()) }
        }
        timer.schedule(at: deadline) { finish() }
        waitForAll(under: .everything, isPatient: true) { _ in finish() }
    }

    /// No operation is answered from now on but by ENOTCONN; what waits stays in the spool.
    package func stop() {
        withState { state in state.isStopping = true }
        remove(spares.close())
        writeAttributes()
        resumeParked()
        awaitBarrier { _ in }
    }

    package func status() -> VolumeStatus {
        withState { state in
            var status = VolumeStatus()
            status.pending = state.intents.pendingCount
            status.settling = state.intents.settlingKeys.count
            status.uploading = state.intents.underWayCount
            if let reason = state.pause.reason {
                status.failures.append(
                    VolumeStatus.Failure(
                        path: "", error: FileSystemError(reason), detail: reason.description))
            }
            status.pendingBytes = state.inodes.indexes.unsentBytes
            for address in state.intents.intents.failed {
                guard let error = state.intents.intents[address]?.blocked else { continue }
                status.failures.append(
                    VolumeStatus.Failure(
                        path: address.key.text, error: FileSystemError(error),
                        detail: error.description))
            }
            return status
        }
    }
}

extension FileSystem {
    /// Bytes of clean data in memory and on their way there.
    package var cachedBytes: Int {
        withState { state in state.reads.readyBytes + state.reads.loadingBytes }
    }

    /// Entries of the tables of inodes and intents that were visited so far by looking at all of them.
    package var scannedEntries: Int {
        withState { state in state.inodes.scans.value + state.intents.intents.scans.value }
    }

    /// A decision is being made, perhaps by the calling thread: a spool that is called then would be called under the
    /// lock.
    package var isDeciding: Bool { state.withLockIfAvailable { _ in true } == nil }

    /// Data files made ahead, which belong to no file yet.
    package var spareFiles: [DataID] { spares.ids }
}
