import RGWBase
import RGWClient
import RGWCurl
import RGWHost
import RGWMount
import RGWObject
import RGWWire

/// Requests to a server without a mount: one at a time, each waited for.
///
/// Owns the transport and its threads; `shutDown` ends them.
final class ServerConnection: Sendable {
    /// An answer to a request that needs no keys.
    struct Knock: Sendable {
        var time: Duration
        /// The server's clock; nil: it does not tell.
        var date: WallTime?
    }

    let clock = HostClock()
    let store: S3ObjectStore
    private let transport: CurlTransport
    private let timer: HostTimer
    private let plan: MountPlan
    private let credentials: FileCredentials

    init(_ plan: MountPlan) throws {
        self.plan = plan
        timer = try HostTimer()
        transport = try Composition.transport(plan, clock)
        credentials = FileCredentials(
            plan, transport: transport, clock: clock, timer: timer,
            environment: try LiveEnvironment(),
            log: LineLog.logger(foreground: true, level: LogLevel(.info)))
        store = Composition.store(plan.preflightClient, transport, credentials, clock, timer)
    }

    /// Fetches keys that have an end; the server must answer (`knock`).
    func begin() throws(MountFailure) { try credentials.begin() }

    func shutDown() {
        credentials.stop()
        transport.shutDown()
        timer.stop()
    }

    /// Whether somebody is there who speaks HTTP.
    func knock() -> Result<Knock, TransportError> {
        let server = plan.server
        let origin = HTTPOrigin(
            secure: server.scheme == .https, host: server.host, port: server.port)
        let options = TransferOptions(
            lane: .metadata, connectTimeout: plan.settings.client.connectTimeout,
            stallTimeout: plan.settings.client.connectTimeout, isIdempotent: true)
        let answer = HostCondition<Result<HTTPResponse, TransportError>?>(nil)
        let started = clock.now()
        _ = transport.send(HTTPRequest(.get, origin: origin, path: "/"), options: options) {
            result in answer.update { $0 = result }
        }
        let result: Result<HTTPResponse, TransportError> = answer.wait { state in
            state.map { .done($0) } ?? .until(.distantFuture)
        }
        let time = clock.now() - started
        return result.map { response in
            Knock(time: time, date: response.headers["date"].flatMap(CivilTime.parseHTTP))
        }
    }

    /// Tries the bucket with an object that is gone afterwards.
    func probe(_ bucket: BucketName) -> Result<ServerCapabilities, ObjectStoreError> {
        wait { done in
            CapabilityProbe.run(
                store, bucket: bucket, prefix: plan.source.prefix, completion: done)
        }
    }

    func list(
        _ bucket: BucketName, _ prefix: [UInt8], after: ObjectKey?, limit: Int
    ) -> Result<ListPage, ObjectStoreError> {
        let key = prefix.isEmpty ? nil : try? ObjectKey(prefix)
        return wait { done in
            store.list(
                bucket, prefix: key, delimited: false, after: after, limit: limit, completion: done)
        }
    }

    /// The client itself bounds how long a request takes.
    private func wait<Answer: Sendable>(
        _ start: (@escaping Completion<Answer>) -> any Cancellable
    ) -> Result<Answer, ObjectStoreError> {
        let answer = HostCondition<Result<Answer, ObjectStoreError>?>(nil)
        _ = start { result in answer.update { $0 = result } }
        return answer.wait { state in state.map { .done($0) } ?? .until(.distantFuture) }
    }
}
