import RGWBase
import RGWSpool
import Synchronization

/// Empty data files, made while files are created one after the other: making one takes as long as anything
/// that creating a file does, and need not be waited for.
///
/// No row names a spare file: what a crash leaves of them recovery removes, as any empty file without a name.
final class SpareFiles: Sendable {
    typealias Made = (id: DataID, file: any SpoolFile)

    private struct State {
        var files: [Made] = []
        var takenAt: Instant?
        var isMaking = false
        var isClosed = false
    }

    private let countMax: Int
    private let state = Mutex(State())

    init(countMax: Int) { self.countMax = countMax }

    var ids: [DataID] { state.withLock { state in state.files.map(\.id) } }

    /// Whoever takes files less than this apart will want another.
    private static let burst = Duration.milliseconds(20)

    /// `makes`: the caller is to have spare files made by somebody who can wait for it.
    func take(_ now: Instant) -> (made: Made?, makes: Bool) {
        state.withLock { state in
            let isBurst = state.takenAt.map { now < $0 + Self.burst } ?? false
            state.takenAt = now
            let made = state.files.popLast()
            let makes =
                isBurst && state.files.count <= countMax / 2 && countMax > 0 && !state.isMaking
                && !state.isClosed
            if makes { state.isMaking = true }
            return (made, makes)
        }
    }

    /// Makes spare files until there are enough, or one cannot be made. Returns those that are not wanted
    /// any more.
    func fill(_ make: () throws(SpoolError) -> Made) -> [DataID] {
        while true {
            let isFull = state.withLock { state in
                state.isMaking = state.files.count < countMax && !state.isClosed
                return !state.isMaking
            }
            if isFull { return [] }
            let made: Made
            do throws(SpoolError) { made = try make() } catch {
                // Whoever needs a file hears of it.
                state.withLock { $0.isMaking = false }
                return []
            }
            let isKept = state.withLock { state in
                if !state.isClosed { state.files.append(made) }
                return !state.isClosed
            }
            if !isKept { return [made.id] }
        }
    }

    /// Returns the files that nobody took.
    func close() -> [DataID] {
        let files = state.withLock { state in
            state.isClosed = true
            defer { state.files = [] }
            return state.files
        }
        return files.map(\.id)
    }
}
