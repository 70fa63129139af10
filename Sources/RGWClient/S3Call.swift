import RGWBase
import RGWObject
import RGWWire
import Synchronization

/// One attempt as `S3Call` sends it.
struct PreparedRequest {
    let operation: S3Operation
    let request: HTTPRequest
    let options: TransferOptions
}

/// One S3 request with its attempts, from the call to its completion.
///
/// Owns the attempt machine, guarded by `state`; nothing is called under that lock. Closures give
/// the request of each attempt, and may change it between attempts.
final class S3Call<Answer: Sendable>: Cancellable {
    /// Makes the next attempt's request; throwing ends the call.
    typealias Prepare = @Sendable () throws(ObjectStoreError) -> PreparedRequest
    typealias Parse = @Sendable (S3Response) throws(S3Failure) -> Answer
    /// Sees each failure first; true when it changed the request so that trying again at once makes
    /// sense. It must not say so for ever.
    typealias Adjust = @Sendable (S3Failure) -> Bool

    private let context: S3Context
    private let operation: S3Operation
    private let subject: String
    private let prepare: Prepare
    private let parse: Parse
    private let adjust: Adjust
    /// Bytes delivered by earlier attempts.
    private let progress: @Sendable () -> UInt64
    private let completion: Completion<Answer>
    /// Who is told how it gets on.
    private let watch: BodyProgress?

    private struct State {
        var machine: AttemptStateMachine
        var current: (any Cancellable)?
        var cancelled = false
        /// The last attempt failed on its way.
        var needsConnection = false
        var attempts = 0
    }
    private let state: Mutex<State>

    init(
        _ store: S3ObjectStore, _ operation: S3Operation, subject: String,
        prepare: @escaping Prepare, parse: @escaping Parse,
        adjust: @escaping Adjust = { _ in false },
        progress: @escaping @Sendable () -> UInt64 = { 0 },
        completion: @escaping Completion<Answer>
    ) {
        context = store.context
        watch = store.watch.map { BodyProgress($0) }
        self.operation = operation
        self.subject = subject
        self.prepare = prepare
        self.parse = parse
        self.adjust = adjust
        self.progress = progress
        self.completion = completion
        let machine = AttemptStateMachine(
            operation, policy: store.context.configuration.retryPolicy)
        state = Mutex(State(machine: machine))
    }

    /// Sends the first attempt. A request that cannot be made fails through the timer, so that the
    /// completion never runs inside the caller.
    func start() -> Self {
        attempt(inline: false)
        return self
    }

    func cancel() {
        let current = state.withLock { state in
            state.cancelled = true
            return state.current
        }
        current?.cancel()
    }

    private func attempt(inline: Bool) {
        let prepared: PreparedRequest
        do { prepared = try prepare() } catch {
            guard !inline else { return completion(.failure(error)) }
            context.timer.schedule(at: context.clock.now()) { [completion] in
                completion(.failure(error))
            }
            return
        }
        let credentials = context.credentials.current()
        let request = context.sign(prepared.request, as: credentials)
        let operation = prepared.operation
        var options = prepared.options
        (options.isFresh, options.isRetry) = state.withLock { state in
            state.attempts += 1
            return (state.needsConnection, state.attempts > 1)
        }
        options.progress = watch
        let sent = context.transport.send(request, options: options) { result in
            self.finish(result, operation, credentials)
        }
        let cancelled = state.withLock { state in
            state.current = sent
            return state.cancelled
        }
        if cancelled { sent.cancel() }
    }

    private func finish(
        _ result: Result<HTTPResponse, TransportError>, _ operation: S3Operation,
        _ credentials: Credentials
    ) {
        do throws(S3Failure) {
            switch result {
            case .success(let response):
                let answer = try parse(S3Response(operation, subject: subject, http: response))
                completion(.success(answer))
            case .failure(let error):
                state.withLock { $0.needsConnection = true }
                throw S3Failure(error, operation, subject: subject)
            }
        } catch {
            fail(hinted(error), credentials)
        }
    }

    /// Says so where the gateway took its own name for the bucket's.
    private func hinted(_ failure: S3Failure) -> S3Failure {
        let endpoint = context.configuration.endpoint
        guard failure.error.kind == .noSuchBucket, let looked = failure.error.bucketName,
            endpoint.wasTaken(for: looked), subject.prefix(while: { $0 != "/" }) != looked
        else { return failure }
        var failure = failure
        failure.error.message =
            "the gateway takes its host name \(endpoint.host) for the bucket's (rgw dns name)"
        return failure
    }

    /// `credentials`: what the attempt was signed with.
    private func fail(_ failure: S3Failure, _ credentials: Credentials) {
        if adjust(failure) {
            watch?.startAgain()
            return retry()
        }
        // Not what the server says of the object: whoever asked knows what that means.
        if failure.error.isAnswer {
            watch?.startAgain()
        } else {
            watch?.noteFailure(failure.error)
        }
        let progress = progress()
        let random = context.entropy.next()
        let action = state.withLock { state in
            state.machine.failed(failure, progress: progress, random: random)
        }
        switch action {
        case .fail(let error): completion(.failure(error))
        case .correctClock(let time):
            context.correctClock(by: time)
            retry()
        case .refreshCredentials(let error):
            context.credentials.renew(refused: credentials, after: failure.error) { outcome in
                switch outcome {
                case .renewed: self.retry()
                case .same: self.completion(.failure(error))
                case .unavailable: self.waitForCredentials(failure, random)
                }
            }
        case .retry(let delay):
            context.timer.schedule(at: context.clock.now() + delay) { self.retry() }
        }
    }

    /// Who gives the keys does not answer: for the request that is as if the server did not.
    private func waitForCredentials(_ failure: S3Failure, _ random: UInt64) {
        switch state.withLock({ $0.machine.lacksCredentials(failure, random: random) }) {
        case .retry(let delay):
            context.timer.schedule(at: context.clock.now() + delay) { self.retry() }
        case .fail(let error): completion(.failure(error))
        case .correctClock, .refreshCredentials: completion(.failure(failure.error))
        }
    }

    private func retry() {
        guard state.withLock(\.cancelled) else { return attempt(inline: true) }
        completion(
            .failure(
                ObjectStoreError(.cancelled, operation: "\(operation.rawValue) \(subject)")))
    }
}
