import RGWBase
import RGWClient
import RGWCrypto
import RGWCurl
import RGWHost
import RGWObject
import RGWWire

/// The store put together as the program does it, and loops of one request each.
struct BenchClient {
    private let store: S3ObjectStore
    private let transport: CurlTransport
    private let timer: HostTimer
    private let clock = HostClock()
    private let bucket: BucketName

    init(url: String, bucket: String) throws {
        var configuration = S3Configuration(endpoint: try Endpoint(parsing: url))
        configuration.recovery = .soft
        configuration.retrans = 0
        var transport = CurlConfiguration()
        transport.setsQuickAck = HostSurroundings.variable("RGWFS_BENCH_NO_QUICKACK") == nil
        if let lane = HostSurroundings.variable("RGWFS_BENCH_LANE").flatMap({ Int($0) }) {
            transport.metadataTransfersMax = lane
            transport.bulkTransfersMax = lane
        }
        if HostSurroundings.variable("RGWFS_BENCH_SIGV") == "2" {
            configuration.signatureVersion = .v2
        }
        self.bucket = BucketName(name: bucket)
        self.transport = try CurlTransport(configuration: transport, clock: clock)
        timer = try HostTimer()
        store = S3ObjectStore(
            configuration: configuration, transport: self.transport,
            credentials: FixedCredentials(Self.credentials), clock: clock, timer: timer,
            entropy: HostEntropy())
    }

    private static var credentials: Credentials {
        guard let id = HostSurroundings.variable("AWS_ACCESS_KEY_ID"),
            let secret = HostSurroundings.variable("AWS_SECRET_ACCESS_KEY")
        else { return .anonymous }
        return .keys(accessKey: id, secret: Secret(secret))
    }

    func shutDown() {
        transport.shutDown()
        timer.stop()
    }

    private func address(_ key: String) throws -> ObjectAddress {
        ObjectAddress(bucket: bucket, key: try ObjectKey(Array(key.utf8)))
    }

    // MARK: Loops; each gives seconds

    func head(_ key: String, _ count: Int, _ inFlight: Int) throws -> Double {
        let address = try address(key)
        return try BenchLoop(count, inFlight, clock).run { [store] _, done in
            store.head(address) { done($0.map { _ in }) }
        }
    }

    /// The body is dropped.
    func get(_ key: String, _ count: Int, _ inFlight: Int) throws -> Double {
        let address = try address(key)
        return try BenchLoop(count, inFlight, clock).run { [store] _, done in
            store.get(
                address, range: nil, matching: nil, lane: .bulk, blockSize: 256 << 10,
                onBlock: { _ in }
            ) { done($0.map { _ in }) }
        }
    }

    /// `IN_FLIGHT` keys, each written again and again; the MD5 is computed for every PUT, as for
    /// every upload of the file system, unless RGWFS_BENCH_MD5 says it.
    func put(_ path: String, _ count: Int, _ inFlight: Int) throws -> Double {
        let file = try BenchFile(path)
        let once = HostSurroundings.variable("RGWFS_BENCH_MD5").flatMap(Hexadecimal.decode)
        let addresses = try (0..<inFlight).map { try address("bench-put-\($0)") }
        let workers = try HostWorkers(name: "worker", count: 8)
        defer { workers.shutDown() }
        return try BenchLoop(count, inFlight, clock).run { [store] number, done in
            workers.submit {
                let digest: [UInt8]
                do { digest = try once ?? file.md5() } catch {
                    let error = ObjectStoreError(.bodyUnreadable, operation: "MD5 \(path)")
                    return done(.failure(error))
                }
                store.put(
                    addresses[number % inFlight],
                    body: .file(file, offset: 0, length: file.length), md5: digest,
                    metadata: ObjectMetadata(), precondition: .none
                ) { done($0.map { _ in }) }
            }
        }
    }

    /// All pages, one after another; prints keys and pages.
    func list(_ prefix: String) throws -> Double {
        let start = clock.now()
        let prefix = prefix.isEmpty ? nil : try ObjectKey(Array(prefix.utf8))
        var after: ObjectKey?
        var keys = 0
        var pages = 0
        repeat {
            let answer = HostCondition<Result<ListPage, ObjectStoreError>?>(nil)
            store.list(bucket, prefix: prefix, delimited: false, after: after, limit: 1000) {
                result in answer.update { $0 = result }
            }
            guard let result = answer.wait(until: .distantFuture, { $0 }) else { break }
            let page = try result.get()
            keys += page.objects.count
            pages += 1
            after = page.next
        } while after != nil
        print("\(keys) keys, \(pages) pages")
        return (clock.now() - start).inSeconds
    }
}
