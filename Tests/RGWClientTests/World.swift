import RGWBase
import RGWObject
import RGWWire
import Synchronization

/// A request as the scripted server sees it.
struct SentRequest: Sendable {
    let request: HTTPRequest
    let options: TransferOptions
    let time: Instant

    /// For example `GET /b/k`.
    var line: String { "\(request.method.rawValue) \(request.target)" }

    /// Asks who is told of changes in the bucket.
    var isNotification: Bool { request.query.first?.name == "notification" }
}

/// What the scripted server does with one request.
enum Script: Sendable {
    case answer(HTTPResponse)
    /// As much of the body arrives, then the error.
    case breaks(HTTPResponse, after: Int, TransportError)
    case fails(TransportError)
    /// Never, until cancelled.
    case silence
}

/// Clock, timer, entropy and transport of a test: single-threaded, and time moves only in `run()`.
final class World: Clock, Timer, Entropy, HTTPTransport, Sendable {
    private struct Job {
        let time: Instant
        let order: Int
        let body: @Sendable () -> Void
    }
    private struct State {
        var now = Instant(nanoseconds: 0)
        var jobs: [Job] = []
        var order = 0
        var sent: [SentRequest] = []
    }
    private let state = Mutex(State())
    private let serve: @Sendable (SentRequest) -> Script

    /// The wall clock at the start.
    let start: WallTime

    init(
        start: WallTime = WallTime(seconds: 1_700_000_000),
        serve: @escaping @Sendable (SentRequest) -> Script
    ) {
        self.start = start
        self.serve = serve
    }

    var sent: [SentRequest] { state.withLock(\.sent) }
    func now() -> Instant { state.withLock(\.now) }
    func wallTime() -> WallTime {
        WallTime(seconds: start.seconds + now().nanoseconds / 1_000_000_000)
    }
    func next() -> UInt64 { 0x1234_5678_9ABC_DEF0 }

    func schedule(at deadline: Instant, _ job: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.order += 1
            state.jobs.append(Job(time: max(deadline, state.now), order: state.order, body: job))
        }
    }

    /// Runs jobs in the order of their times until none is left.
    func run() {
        while true {
            let job = state.withLock { state -> Job? in
                let next = state.jobs.indices.min { a, b in
                    (state.jobs[a].time, state.jobs[a].order)
                        < (state.jobs[b].time, state.jobs[b].order)
                }
                guard let next else { return nil }
                state.now = state.jobs[next].time
                return state.jobs.remove(at: next)
            }
            guard let job else { return }
            job.body()
        }
    }

    func send(
        _ request: HTTPRequest, options: TransferOptions,
        completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any Cancellable {
        let sent = SentRequest(request: request, options: options, time: now())
        state.withLock { $0.sent.append(sent) }
        let call = ScriptedCall(completion)
        let script = serve(sent)
        schedule(at: now()) {
            switch script {
            case .answer(let response): call.end(Self.deliver(response, options))
            case .breaks(let response, let count, let error):
                _ = Self.deliver(response, options, cutAt: count)
                call.end(.failure(error))
            case .fails(let error): call.end(.failure(error))
            case .silence: break
            }
        }
        return call
    }

    /// What a transport does with a body; a cut one delivers whole blocks only.
    private static func deliver(
        _ response: HTTPResponse, _ options: TransferOptions, cutAt: Int? = nil
    ) -> Result<HTTPResponse, TransportError> {
        guard case .blocks(let size, let accepts, let onBlock) = options.delivery else {
            return .success(response)
        }
        var head = response
        head.body = []
        guard accepts(head) else { return .success(response) }
        let body = response.body.prefix(cutAt ?? response.body.count)
        var rest = body[...]
        while rest.count >= size {
            onBlock(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        if cutAt == nil, !rest.isEmpty { onBlock(Array(rest)) }
        return .success(head)
    }
}

/// Ends once, by the script or by cancelling.
private final class ScriptedCall: Cancellable {
    private let ended = Mutex(false)
    private let completion: @Sendable (Result<HTTPResponse, TransportError>) -> Void

    init(_ completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void) {
        self.completion = completion
    }

    func end(_ result: Result<HTTPResponse, TransportError>) {
        let first = ended.withLock { ended in
            defer { ended = true }
            return !ended
        }
        if first { completion(result) }
    }

    func cancel() { end(.failure(.cancelled(sent: true))) }
}

/// Counts completions and keeps the last.
final class Outcome<Answer: Sendable>: Sendable {
    private let results = Mutex<[Result<Answer, ObjectStoreError>]>([])

    var completion: Completion<Answer> {
        { result in self.results.withLock { $0.append(result) } }
    }
    var count: Int { results.withLock(\.count) }
    var value: Answer? { try? results.withLock(\.last)?.get() }
    var error: ObjectStoreError? {
        guard case .failure(let error)? = results.withLock(\.last) else { return nil }
        return error
    }
}
