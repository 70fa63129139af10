package import RGWBase
package import RGWObject
package import RGWWire
import Synchronization

/// An `HTTPTransport` that counts what goes through another one, by kind of request, and tells when the server
/// stops answering and when it answers again.
///
/// Guarded by `state`.
package final class CountedTransport: HTTPTransport {
    private let transport: any HTTPTransport
    private let clock: any Clock
    /// Called on the transport's thread.
    private let onEvent: @Sendable (ServerWatch.Event) -> Void
    private let onFailure: @Sendable (RequestFailure) -> Void

    private struct State {
        var tallies: [S3Operation: RequestTally] = [:]
        var server = ServerWatch()
    }
    private let state = Mutex(State())
    private let sent = Atomic(0)

    package init(
        _ transport: any HTTPTransport, clock: any Clock,
        onFailure: @escaping @Sendable (RequestFailure) -> Void = { _ in },
        onEvent: @escaping @Sendable (ServerWatch.Event) -> Void = { _ in }
    ) {
        self.onFailure = onFailure
        self.transport = transport
        self.clock = clock
        self.onEvent = onEvent
    }

    /// How many requests wait for their answer.
    package var underWay: Int { sent.load(ordering: .relaxed) }

    package var counts: [S3Operation: RequestTally] { state.withLock(\.tallies) }

    /// Since when the server has not answered; nil: the last request was answered.
    package var silence: ServerWatch.Silence? { state.withLock(\.server.silence) }

    package func send(
        _ request: HTTPRequest, options: TransferOptions,
        completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any Cancellable {
        let operation = S3Operation(request)
        let started = clock.now()
        let counted = CountedDelivery()
        let isRetry = options.isRetry
        sent.add(1, ordering: .relaxed)
        var options = options
        if case .blocks(let size, let accepts, let onBlock) = options.delivery {
            options.delivery = .blocks(size: size, accepts: accepts) { block in
                counted.add(block.count)
                onBlock(block)
            }
        }
        return transport.send(request, options: options) { [self] result in
            sent.subtract(1, ordering: .relaxed)
            if isRetry { noteRetry(operation) }
            note(operation, request, result, since: started, delivered: counted.bytes)
            completion(result)
        }
    }

    private func note(
        _ operation: S3Operation, _ request: HTTPRequest,
        _ result: Result<HTTPResponse, TransportError>, since started: Instant, delivered: UInt64
    ) {
        let now = clock.now()
        let time = now - started
        let (code, event) = state.withLock { state in
            // In place: a copy would copy the classes of the latencies.
            let code = state.tallies[operation, default: RequestTally()].note(
                request, result, time, delivered: delivered)
            let event = state.server.ended(
                result, operation, subject: request.path, started: started, now: now)
            return (code, event)
        }
        if let event { onEvent(event) }
        guard let code else { return }
        var failure = RequestFailure(
            operation: operation, path: request.path, code: code, time: time)
        if case .success(let response) = result {
            failure.requestID = response.headers["x-amz-request-id"]
            let seconds = response.headers["retry-after"].flatMap { UInt16($0) }
            failure.retryAfter = seconds.map { .seconds(Int64($0)) }
        }
        onFailure(failure)
    }
}

extension CountedTransport {
    private func noteRetry(_ operation: S3Operation) {
        state.withLock { $0.tallies[operation, default: RequestTally()].retries += 1 }
    }
}

extension RequestTally {
    /// The failure's code; nil: none.
    fileprivate mutating func note(
        _ request: HTTPRequest, _ result: Result<HTTPResponse, TransportError>, _ time: Duration,
        delivered: UInt64
    ) -> String? {
        count += 1
        self.time += time
        timeMax = max(timeMax, time)
        latencies.note(time)
        bytesReceived += delivered
        switch result {
        case .success(let response):
            bytesReceived += UInt64(response.body.count)
            bytesSent += request.body?.length ?? 0
            let isAnswer = response.status < 400 || [404, 412].contains(response.status)
            return isAnswer ? nil : fail("\(response.status)")
        case .failure(let error): return fail(error.name)
        }
    }

    private mutating func fail(_ code: String) -> String {
        failures += 1
        errors[code, default: 0] += 1
        return code
    }
}

extension TransportError {
    /// One word, for counting.
    fileprivate var name: String {
        switch self {
        case .unreachable: "unreachable"
        case .broken: "broken"
        case .timedOut: "timed_out"
        case .malformed: "malformed"
        case .bodyUnreadable: "body_unreadable"
        case .cancelled: "cancelled"
        }
    }
}

/// Bytes of blocks handed over so far.
private final class CountedDelivery: Sendable {
    private let count = Mutex<UInt64>(0)
    var bytes: UInt64 { count.withLock { $0 } }
    func add(_ more: Int) { count.withLock { $0 += UInt64(more) } }
}

extension S3Operation {
    /// What a request is, seen from outside: for counting only.
    init(_ request: HTTPRequest) {
        let names = Set(request.query.map(\.name))
        let hasKey =
            request.virtualBucket == nil
            ? request.path.dropFirst().contains("/") : request.path.utf8.count > 1
        let isRoot = request.path == "/" && request.virtualBucket == nil
        switch request.method {
        case .get where isRoot: self = .listBuckets
        case .get: self = hasKey ? .getObject : .listObjects
        case .head: self = hasKey ? .headObject : .headBucket
        case .put where names.contains("partNumber"): self = .uploadPart
        case .put where request.headers["x-amz-copy-source"] != nil: self = .copyObject
        case .put: self = hasKey ? .putObject : .createBucket
        case .post where names.contains("uploads"): self = .createMultipart
        case .post where names.contains("uploadId"): self = .completeMultipart
        case .post: self = .deleteObjects
        case .delete where names.contains("uploadId"): self = .abortMultipart
        case .delete: self = hasKey ? .deleteObject : .deleteBucket
        }
    }
}
