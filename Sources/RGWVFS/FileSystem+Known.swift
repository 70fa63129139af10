import RGWBase
import RGWObject
import RGWSpool

/// The way to the store of attributes: on a lane, never under the lock.
extension FileSystem {
    /// How long answers are gathered before they are written together.
    private static let gathering = Duration.seconds(1)

    /// What an earlier HEAD said of the version that a listing has shown.
    func recall(_ inode: InodeNumber, then done: @escaping @Sendable (Bool) -> Void) {
        guard let asked = withState({ state in state.recallable(inode) }) else {
            return done(false)
        }
        lanes.spool.submit { [self] in
            guard let object = attributes.recall(asked.address) else { return done(false) }
            done(withState { state in state.absorbKnown(inode, object, asked) })
        }
    }

    func keepAttributes(_ due: AttributeQueue.Due) {
        let write: @Sendable () -> Void = { [self] in
            lanes.spool.submit { [self] in writeAttributes() }
        }
        switch due {
        case .now: write()
        case .soon: timer.schedule(at: clock.now() + Self.gathering, write)
        }
    }

    func writeAttributes() {
        let changes = withState { state in state.kept.take() }
        if changes.isEmpty { return }
        attributes.write(changes)
        withState { state in state.kept.noteWritten() }
    }
}
