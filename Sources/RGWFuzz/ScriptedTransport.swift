import RGWBase
import RGWClient
import RGWObject
import RGWWire
import Synchronization

/// Transport, clock, timer and chance for one call in one thread; answers come from the input.
final class ScriptedTransport: HTTPTransport, Clock, Timer, Entropy {
    private struct State {
        var rest: ArraySlice<UInt8>
        var now = Instant(nanoseconds: 0)
        var jobs: [(time: Instant, body: @Sendable () -> Void)] = []
        var sent = 0
        /// A request that changes something may have taken effect.
        var mayBeDone = false
        var law: String?
    }
    private let state: Mutex<State>

    init(_ bytes: [UInt8]) { state = Mutex(State(rest: bytes.dropFirst())) }

    var law: String? { state.withLock(\.law) }
    func now() -> Instant { state.withLock(\.now) }
    func wallTime() -> WallTime { WallTime(seconds: 1_700_000_000) }
    func next() -> UInt64 { 7 }

    func schedule(at deadline: Instant, _ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.append((deadline, job)) }
    }

    /// Runs what was scheduled, in the order of times.
    func run() {
        while true {
            let job = state.withLock { state -> (@Sendable () -> Void)? in
                let first = state.jobs.indices.min { state.jobs[$0].time < state.jobs[$1].time }
                guard let first else { return nil }
                let job = state.jobs.remove(at: first)
                state.now = max(state.now, job.time)
                return job.body
            }
            guard let job else { return }
            job()
        }
    }

    func send(
        _ request: HTTPRequest, options: TransferOptions,
        completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any Cancellable {
        let (kind, answer) = state.withLock { state in
            state.sent += 1
            if state.sent > 100 { state.law = "more than 100 attempts" }
            if request.method == .put, state.mayBeDone { state.law = "a PUT is repeated" }
            return Self.next(&state.rest)
        }
        let result = Self.result(kind, answer, options)
        if case .failure(let error) = result, error.mayHaveTakenEffect {
            state.withLock { $0.mayBeDone = true }
        }
        schedule(at: now()) { completion(result) }
        return Nothing()
    }

    /// Takes one answer off the input.
    private static func next(_ rest: inout ArraySlice<UInt8>) -> (UInt8, [UInt8]) {
        guard rest.count >= 3 else {
            rest = []
            return (0xFF, [])
        }
        let bytes = Array(rest.prefix(3))
        let length = Int(bytes[1]) << 8 | Int(bytes[2])
        let answer = Array(rest.dropFirst(3).prefix(length))
        rest = rest.dropFirst(3 + length)
        return (bytes[0], answer)
    }

    private static func result(
        _ kind: UInt8, _ bytes: [UInt8], _ options: TransferOptions
    ) -> Result<HTTPResponse, TransportError> {
        switch kind % 8 {
        case 4: return .failure(.unreachable("no"))
        case 5: return .failure(.broken(sent: true, "broken"))
        case 6: return .failure(.timedOut(sent: false, "late"))
        case 7: return .failure(.malformed(sent: true, "what"))
        default: break
        }
        guard var http = AnswerLaws.answer(bytes) else {
            return .failure(.malformed(sent: true, "no header"))
        }
        guard case .blocks(let size, let accepts, let onBlock) = options.delivery,
            !http.body.isEmpty
        else { return .success(http) }
        let body = http.body
        var head = http
        head.body = []
        guard accepts(head) else { return .success(http) }
        http.body = []
        let breaks = kind % 8 == 3
        var offset = 0
        while offset < body.count {
            let end = min(body.count, offset + size)
            if breaks, end == body.count { return .failure(.broken(sent: true, "cut")) }
            onBlock(Array(body[offset..<end]))
            offset = end
        }
        return .success(http)
    }

    private struct Nothing: Cancellable {
        func cancel() {}
    }
}
