import RGWBase
import RGWObject

/// Which failures of reads are told: whoever gets EIO or ETIMEDOUT finds the reason in the log, and a server that
/// is away for an hour does not fill it. Pure; guarded by the volume's state.
struct ReadFailures: Sendable {
    /// A line for each kind of failure at most this often.
    static let pause = Duration.seconds(30)

    private struct Told: Sendable {
        var at: Instant
        /// Failures since, which have no line.
        var others = 0
    }
    /// By the kind of failure, of which there are few.
    private var told: [ObjectStoreError.Kind: Told] = [:]

    /// Nil: not now. Otherwise how many failures of that kind had no line of their own.
    mutating func note(_ kind: ObjectStoreError.Kind, now: Instant) -> Int? {
        if let last = told[kind], now < last.at + Self.pause {
            told[kind]?.others += 1
            return nil
        }
        let others = told[kind]?.others ?? 0
        told[kind] = Told(at: now)
        return others
    }
}

extension FileSystem {
    /// A request that a program waits for has failed. What its errno says by itself is not told.
    func noteReadFailure(_ path: String, _ error: ObjectStoreError) {
        switch FileSystemError(error) {
        case .inputOutput where error.kind != .cancelled: break
        case .timedOut: break
        // No right is missing but a key (SSE-C, a session token): the server's words say which.
        case .accessDenied where error.status == 400: break
        default: return
        }
        let now = clock.now()
        let others = withState { state in state.readFailures.note(error.kind, now: now) }
        if let others { events(.readFailed(path: path, error: error, others: others)) }
    }

    /// `isContent`: the bytes were asked for.
    func noteReadFailure(
        _ address: ObjectAddress, _ error: ObjectStoreError, isContent: Bool = false
    ) {
        let time = clock.wallTime()
        withState { state in
            state.unreadable.note(address, error, isContent: isContent, time: time)
        }
        noteReadFailure(address.key.text, error)
    }

    /// A store that calls it a success has not delivered what was asked for.
    func incomplete(_ address: ObjectAddress) -> FileSystemError {
        noteReadFailure(
            address,
            ObjectStoreError(
                .malformedAnswer, operation: "GET \(address)",
                message: "not all bytes that were asked for"), isContent: true)
        return .inputOutput
    }
}
