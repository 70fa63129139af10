package import RGWSpool
import Synchronization

/// Makes calls of a spool in memory fail, and counts them.
package final class SpoolFaults: Sendable {
    /// The calls that may fail, as the ports name them.
    package enum Call: Hashable, Sendable, CaseIterable {
        case commit
        /// A commit without changes.
        case barrier
        case create
        case open
        case remove
        case moveToLost
        case write
        case read
        case truncate
        case syncAll
        case digest
        case clone
        /// These two are asked for and not counted, so that the numbers of the others stay what they are.
        case reserve
        case allocate
    }

    private struct State {
        var count = 0
        var fault: (@Sendable (Call, Int) -> SpoolError?)?
        var watch: (@Sendable (String) -> Void)?
    }
    private let state = Mutex(State())

    package init() {}

    /// How many calls were made.
    package var count: Int { state.withLock { $0.count } }

    /// Asked before each call, with its number from 1 on; nil: the call may go on.
    package func set(_ fault: (@Sendable (Call, Int) -> SpoolError?)?) {
        state.withLock { $0.fault = fault }
    }

    /// Told of every call that a disk would have to answer, before it, and of the last descriptor of a file that
    /// closes.
    func watch(_ watch: (@Sendable (String) -> Void)?) { state.withLock { $0.watch = watch } }

    func note(_ call: String) { state.withLock { $0.watch }?(call) }

    func check(_ call: Call) throws(SpoolError) {
        note("\(call)")
        let (fault, count) = state.withLock { state in
            if call != .reserve, call != .allocate { state.count += 1 }
            return (state.fault, state.count)
        }
        if let error = fault?(call, count) { throw error }
    }
}
