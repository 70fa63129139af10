import RGWBase
import Synchronization

/// What an operation made before it was known whether the journal keeps it.
final class CreatedFile: Sendable {
    private let state = Mutex<(InodeNumber, HandleID)?>(nil)

    func set(_ inode: InodeNumber, _ handle: HandleID) { state.withLock { $0 = (inode, handle) } }

    var value: (InodeNumber, HandleID)? { state.withLock { $0 } }
}
