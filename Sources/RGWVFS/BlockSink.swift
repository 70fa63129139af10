import RGWBase
import RGWSpool
import Synchronization

/// Writes the blocks of one download into a data file. They come on the thread that serves all transfers, which
/// hands them over; when more of them wait for the disk than there is `room` for, that thread writes, so that the
/// server is slowed down to the disk. Decision 102.
///
/// Guarded by its mutex, under which nothing is called.
final class BlockSink: Sendable {
    private struct State {
        /// Behind the last byte that came.
        var end: UInt64
        var error: SpoolError?
        /// Blocks that are not written yet.
        var waiting = 0
        var whenWritten: (@Sendable () -> Void)?
    }

    private let lane: any WorkQueue
    private let room: BlockRoom
    private let write: @Sendable (_ offset: UInt64, _ block: [UInt8]) -> SpoolError?
    private let state: Mutex<State>

    init(
        from offset: UInt64, _ lane: any WorkQueue, _ room: BlockRoom,
        _ write: @escaping @Sendable (_ offset: UInt64, _ block: [UInt8]) -> SpoolError?
    ) {
        self.lane = lane
        self.room = room
        self.write = write
        state = Mutex(State(end: offset))
    }

    /// Blocks of one download come one at a time, in order. After an error the rest is not needed.
    func take(_ block: [UInt8]) {
        let offset: UInt64? = state.withLock { state in
            guard state.error == nil else { return nil }
            defer {
                state.end += UInt64(block.count)
                state.waiting += 1
            }
            return state.end
        }
        guard let offset else { return }
        guard room.take(block.count) else {
            return ThreadDuty.spool.run { written(write(offset, block)) }
        }
        lane.submit { [self] in
            let error = write(offset, block)
            room.give(block.count)
            written(error)
        }
    }

    private func written(_ error: SpoolError?) {
        let then: (@Sendable () -> Void)? = state.withLock { state in
            state.waiting -= 1
            state.error = state.error ?? error
            guard state.waiting == 0 else { return nil }
            return state.whenWritten.take()
        }
        then?()
    }

    /// After the download's end: calls back once, when nothing of it waits for the disk any more.
    func whenWritten(_ then: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if state.waiting > 0 { state.whenWritten = then }
            return state.waiting == 0
        }
        if isOver { then() }
    }

    var error: SpoolError? { state.withLock { $0.error } }
    /// Behind the last byte that came; not all of them were written when there was an error.
    var end: UInt64 { state.withLock { $0.end } }
}

/// How many bytes of all downloads may wait for the disk.
final class BlockRoom: Sendable {
    private let bytesMax: Int
    private let used = Atomic<Int>(0)

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// False: there is no room.
    func take(_ bytes: Int) -> Bool {
        let before = used.wrappingAdd(bytes, ordering: .relaxed).oldValue
        if before + bytes <= bytesMax { return true }
        give(bytes)
        return false
    }

    func give(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
}
