import Foundation
import RGWBase
import RGWCurl
import RGWObject
import RGWWire
import Synchronization

/// The machine's clocks.
struct SystemClock: Clock {
    func now() -> Instant {
        var time = timespec()
        // SAFETY: clock_gettime fills the timespec.
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
    func wallTime() -> WallTime { WallTime(seconds: 0) }
}

/// One request's end, awaited with a limit so that a hanging transport fails instead of hanging.
final class Pending: Sendable {
    typealias Answer = Result<HTTPResponse, TransportError>
    private let results = Mutex<[Answer]>([])
    private let done = DispatchSemaphore(value: 0)

    func end(_ result: Answer) {
        results.withLock { $0.append(result) }
        done.signal()
    }
    var count: Int { results.withLock(\.count) }

    /// Nil after 20 seconds.
    func wait() -> Answer? {
        guard done.wait(timeout: .now() + 20) == .success else { return nil }
        return results.withLock(\.last)
    }
}

/// A transport and the server it speaks to.
struct TransportClient: Sendable {
    let transport: CurlTransport
    let port: UInt16

    init(_ server: LoopbackServer, _ change: (inout CurlConfiguration) -> Void = { _ in }) throws {
        var configuration = CurlConfiguration()
        change(&configuration)
        transport = try CurlTransport(configuration: configuration, clock: SystemClock())
        port = server.port
    }

    func request(
        _ method: HTTPMethod = .get, _ path: String = "/", body: ObjectBody? = nil
    )
        -> HTTPRequest
    {
        let origin = HTTPOrigin(secure: false, host: "127.0.0.1", port: port)
        return HTTPRequest(method, origin: origin, path: path, body: body)
    }

    static func options(
        _ lane: Lane = .metadata, stall: Duration = .seconds(10), total: Duration? = nil,
        idempotent: Bool = true, digests: Bool = false,
        delivery: ResponseDelivery = .collected(max: 1 << 20)
    ) -> TransferOptions {
        TransferOptions(
            lane: lane, stallTimeout: stall, totalTimeout: total, isIdempotent: idempotent,
            digestsBody: digests, delivery: delivery)
    }

    func start(
        _ request: HTTPRequest, _ options: TransferOptions = options()
    )
        -> (pending: Pending, call: any Cancellable)
    {
        let pending = Pending()
        let call = transport.send(request, options: options) { pending.end($0) }
        return (pending, call)
    }

    func send(_ request: HTTPRequest, _ options: TransferOptions = options()) -> Pending.Answer? {
        start(request, options).pending.wait()
    }
}

extension Result where Success == HTTPResponse, Failure == TransportError {
    var response: HTTPResponse? { try? get() }
    var error: TransportError? {
        guard case .failure(let error) = self else { return nil }
        return error
    }
}

extension TransportError {
    var isBroken: Bool { if case .broken = self { true } else { false } }
    var isTimedOut: Bool { if case .timedOut = self { true } else { false } }
    var isMalformed: Bool { if case .malformed = self { true } else { false } }
    var isUnreachable: Bool { if case .unreachable = self { true } else { false } }
    var isBodyUnreadable: Bool { if case .bodyUnreadable = self { true } else { false } }
}

/// A file that is gone from the directory as soon as it is open.
final class TemporaryFile: BodyFile {
    let descriptor: Int32

    init(_ bytes: [UInt8]) throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("rgwfs-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        // SAFETY: the path is a NUL-terminated copy during the call.
        descriptor = unsafe open(path, O_RDONLY)
        try FileManager.default.removeItem(atPath: path)
    }

    deinit { _ = close(descriptor) }

    func contents(at offset: UInt64, count: Int) -> [UInt8]? { nil }
}

/// Collects delivered blocks.
final class Blocks: Sendable {
    private let all = Mutex<[[UInt8]]>([])
    func append(_ block: [UInt8]) { all.withLock { $0.append(block) } }
    var bytes: [UInt8] { all.withLock { Array($0.joined()) } }
    var sizes: [Int] { all.withLock { $0.map(\.count) } }

    func delivery(size: Int) -> ResponseDelivery {
        .blocks(size: size, accepts: { $0.status == 200 }, onBlock: { self.append($0) })
    }
}
