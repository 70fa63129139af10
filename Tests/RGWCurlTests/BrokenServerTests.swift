import Dispatch
import RGWBase
import RGWClient
import RGWCrypto
import RGWCurl
import RGWObject
import RGWWire
import Synchronization
import Testing

/// Retries at once, on a thread of its own.
private struct ImmediateTimer: Timer {
    func schedule(at deadline: Instant, _ job: @escaping @Sendable () -> Void) {
        DispatchQueue.global().async { job() }
    }
}

private struct Zeroes: Entropy {
    func next() -> UInt64 { 0 }
}

/// One call's result, awaited for 20 seconds at most.
private final class Outcome<Answer: Sendable>: Sendable {
    private let results = Mutex<[Result<Answer, ObjectStoreError>]>([])
    private let done = DispatchSemaphore(value: 0)

    func end(_ result: Result<Answer, ObjectStoreError>) {
        results.withLock { $0.append(result) }
        done.signal()
    }
    func wait() -> Result<Answer, ObjectStoreError>? {
        guard done.wait(timeout: .now() + 20) == .success else { return nil }
        return results.withLock { $0.count == 1 ? $0[0] : nil }
    }
}

/// The whole client on connections that are cut behind every single byte of an answer, by FIN and
/// by RST: reads end with exactly the right answer, changes with the truth about what is known.
@Suite struct BrokenServerTests {
    private func store(_ server: LoopbackServer) throws -> S3ObjectStore {
        let endpoint = Endpoint(scheme: .http, host: "127.0.0.1", port: server.port)
        let transport = try CurlTransport(clock: SystemClock())
        return S3ObjectStore(
            configuration: S3Configuration(endpoint: endpoint), transport: transport,
            credentials: FixedCredentials(.keys(accessKey: "a", secret: Secret("s"))),
            clock: SystemClock(), timer: ImmediateTimer(), entropy: Zeroes())
    }

    /// Every second request is cut behind one byte more than the last cut, from 0 on.
    private func server(
        resets: Bool, _ answer: @escaping @Sendable (ReceivedRequest) -> String
    ) throws -> LoopbackServer {
        let count = Mutex(0)
        return try LoopbackServer { server, connection in
            while let request = connection.readRequest() {
                server.note(request)
                let number = count.withLock { count in
                    defer { count += 1 }
                    return count
                }
                let whole = Array(answer(request).utf8)
                guard number.isMultiple(of: 2), number / 2 < whole.count else {
                    connection.write(whole)
                    continue
                }
                connection.write(Array(whole.prefix(number / 2)))
                return resets ? connection.reset() : connection.close()
            }
        }
    }

    private static let common =
        "x-amz-request-id: tx1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    private static let object =
        common + "ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"
        + "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    private let key = ObjectAddress(bucket: "b", key: "k")

    @Test(arguments: [true, false])
    func aListingIsWholeOrAskedForAgain(resets: Bool) throws {
        let xml =
            "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key>"
            + "<LastModified>2024-02-29T12:34:56.789Z</LastModified><ETag>x</ETag><Size>3</Size>"
            + "</Contents></ListBucketResult>"
        let answer =
            "HTTP/1.1 200 OK\r\n\(Self.common)Content-Length: \(xml.utf8.count)\r\n\r\n\(xml)"
        let server = try server(resets: resets) { _ in answer }
        let store = try store(server)
        for _ in 0..<answer.utf8.count {
            let outcome = Outcome<ListPage>()
            store.list(
                "b", prefix: nil, delimited: false, after: nil, limit: 10, completion: outcome.end)
            #expect(try outcome.wait()?.get().objects.map(\.key) == ["a"])
        }
        #expect(server.requests.count == 2 * answer.utf8.count)
    }

    /// The server answers ranges, as RGW does, so that a read goes on where it was cut.
    @Test(arguments: [true, false])
    func aReadDeliversEveryByteOnce(resets: Bool) throws {
        let body = "0123456789abcdefghijklmnopqrstuvwxyz"
        let server = try server(resets: resets) { request in
            let range = request.field("range")?.dropFirst(6).split(separator: "-")
            let first = range.flatMap { Int($0[0]) } ?? 0
            let part = body.dropFirst(first)
            let status = range == nil ? "200 OK" : "206 Partial"
            let place = range == nil ? "" : "Content-Range: bytes \(first)-35/36\r\n"
            return "HTTP/1.1 \(status)\r\n\(Self.object)\(place)"
                + "Content-Length: \(part.utf8.count)\r\n\r\n\(part)"
        }
        let store = try store(server)
        for _ in 0..<230 {
            let blocks = Blocks()
            let outcome = Outcome<ObjectHead>()
            store.get(
                key, range: nil, matching: nil, lane: .bulk, blockSize: 5, onBlock: blocks.append,
                completion: outcome.end)
            #expect(try outcome.wait()?.get().size == 36)
            #expect(blocks.bytes == Array(body.utf8))
        }
    }

    /// A PUT that was sent whole and not answered in full is never repeated and never a failure.
    @Test(arguments: [true, false])
    func aChangeWithoutAWholeAnswerIsUnknown(resets: Bool) throws {
        let answer = "HTTP/1.1 200 OK\r\n\(Self.object)Content-Length: 0\r\n\r\n"
        let server = try server(resets: resets) { _ in answer }
        let store = try store(server)
        for _ in 0..<answer.utf8.count {
            for isCut in [true, false] {
                let outcome = Outcome<Stored>()
                store.put(
                    key, body: .bytes(Array("abc".utf8)), md5: Hash.md5(Array("abc".utf8)),
                    metadata: ObjectMetadata(), precondition: .none, completion: outcome.end)
                switch outcome.wait() {
                case .success?: #expect(!isCut)
                case .failure(let error)?: #expect(isCut && error.kind == .unknownOutcome)
                case nil: Issue.record("no answer, or two")
                }
            }
        }
        #expect(server.requests.count == 2 * answer.utf8.count)
    }
}
