import Foundation
import RGWBase
import RGWClient
import RGWCrypto
import RGWCurl
import RGWHost
import RGWObject
import RGWWire
import Synchronization
import Testing

/// One radosgw of the private RGW, and its administration.
///
/// RGWFS_TEST_ENDPOINT, RGWFS_TEST_ACCESS_KEY and RGWFS_TEST_SECRET_KEY name it; RGWFS_TEST_RGW_DIR
/// is its directory, for what only its administrator can do. What is missing fails the test.
struct TestGateway: Sendable {
    var endpoint: Endpoint
    let accessKey: String
    let secretKey: String

    var keys: Credentials { .keys(accessKey: accessKey, secret: Secret(secretKey)) }

    static func first() throws -> TestGateway {
        try TestGateway(url: variable("RGWFS_TEST_ENDPOINT"))
    }

    /// STS is on there, and `rgw.localhost` is its name.
    static func second() throws -> TestGateway { try TestGateway(url: secondURL.get()) }

    private init(url: String) throws {
        endpoint = try Endpoint(parsing: url)
        accessKey = try Self.variable("RGWFS_TEST_ACCESS_KEY")
        secretKey = try Self.variable("RGWFS_TEST_SECRET_KEY")
    }

    private static func variable(_ name: String) throws -> String {
        try #require(ProcessInfo.processInfo.environment[name], "\(name) is not set")
    }

    // MARK: Stores

    /// A store on this gateway for as long as the body runs.
    func store(
        credentials: Credentials, _ change: (inout S3Configuration) -> Void = { _ in },
        body: (S3ObjectStore) throws -> Void
    ) throws {
        try store(provider: FixedCredentials(credentials), change, body: body)
    }

    func store(
        provider: any CredentialsProvider, _ change: (inout S3Configuration) -> Void = { _ in },
        body: (S3ObjectStore) throws -> Void
    ) throws {
        var configuration = S3Configuration(endpoint: endpoint)
        change(&configuration)
        let clock = HostClock()
        let transport = try CurlTransport(clock: clock)
        let timer = try HostTimer()
        defer {
            transport.shutDown()
            timer.stop()
        }
        try body(
            S3ObjectStore(
                configuration: configuration, transport: transport, credentials: provider,
                clock: clock, timer: timer, entropy: HostEntropy()))
    }

    /// A request that the store has no call for, signed as the test's user or another.
    func send(
        _ method: HTTPMethod, _ path: String, query: [QueryItem] = [],
        headers: [String: String] = [:], body: String = "", as key: SigningKey? = nil
    ) throws -> HTTPResponse {
        var request = HTTPRequest(
            method, origin: origin, path: path, query: query, body: .bytes(Array(body.utf8)))
        for (name, value) in headers { request.headers[name] = value }
        request.payload = .sha256(Hash.sha256(Array(body.utf8)))
        let clock = HostClock()
        let own = SigningKey(accessKey: accessKey, secret: Secret(secretKey))
        let signed = SignatureV4(key: key ?? own, region: "default")
            .sign(request, at: clock.wallTime())
        let transport = try CurlTransport(clock: clock)
        defer { transport.shutDown() }
        let answer = HostCondition<Result<HTTPResponse, TransportError>?>(nil)
        _ = transport.send(signed, options: TransferOptions(lane: .metadata, isIdempotent: true)) {
            result in answer.update { $0 = result }
        }
        let result = answer.wait(until: clock.now() + .seconds(30)) { $0 }
        let response = try #require(result, "no answer").get()
        #expect(
            response.isSuccess,
            "\(method) \(path): \(String(decoding: response.body, as: UTF8.self))")
        return response
    }

    private var origin: HTTPOrigin {
        HTTPOrigin(secure: endpoint.scheme == .https, host: endpoint.host, port: endpoint.port)
    }

    // MARK: Administration

    private static let secondURL = Result { try rgwDev(["gateway"]) }

    /// `radosgw-admin`; its output.
    @discardableResult
    static func admin(_ words: String...) throws -> String { try rgwDev(["admin"] + words) }

    /// The same where a refusal is an answer, too: nil.
    static func answerOfAdmin(_ words: String...) throws -> String? {
        try rgwDev(["admin"] + words, mayFail: true)
    }

    private static func rgwDev(_ words: [String]) throws -> String {
        try #require(try rgwDev(words, mayFail: false))
    }

    private static func rgwDev(_ words: [String], mayFail: Bool) throws -> String? {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .resolvingSymlinksInPath()
            .appendingPathComponent("../../scripts/rgw-dev").standardized
        let process = Process()
        process.executableURL = script
        process.arguments = ["--dir", try variable("RGWFS_TEST_RGW_DIR")] + words
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        if mayFail, process.terminationStatus != 0 { return nil }
        try #require(process.terminationStatus == 0, "rgw-dev \(words.joined(separator: " "))")
        return String(decoding: data, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
