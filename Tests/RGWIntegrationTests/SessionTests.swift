import Foundation
import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization
import Testing

/// Temporary credentials from a real STS, and what happens when they end.
@Suite(.serialized) struct SessionTests {
    private static let role = "rgwfs-tester"

    /// Made once; radosgw-admin refuses to make it twice.
    private static let roleIsThere: Result<Void, any Error> = Result {
        let trust = """
            {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":\
            ["arn:aws:iam:::user/test"]},"Action":["sts:AssumeRole"]}]}
            """
        let policy = """
            {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":\
            "arn:aws:s3:::*"}]}
            """
        // Where there never was a role, listing them fails.
        let roles = try TestGateway.answerOfAdmin("role", "list") ?? ""
        if !roles.contains("\"\(role)\"") {
            try TestGateway.admin(
                "role", "create", "--role-name=\(role)", "--path=/",
                "--assume-role-policy-doc=\(trust)")
        }
        try TestGateway.admin(
            "role-policy", "put", "--role-name=\(role)", "--policy-name=all",
            "--policy-doc=\(policy)")
    }

    /// A session of at least `seconds`.
    private static func assumeRole(
        _ gateway: TestGateway, seconds: Int
    ) throws -> Credentials {
        try roleIsThere.get()
        let form =
            "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A%3Arole%2F\(role)"
            + "&RoleSessionName=tests&DurationSeconds=\(seconds)"
        let answer = try gateway.send(
            .post, "/", headers: ["content-type": "application/x-www-form-urlencoded"], body: form)
        let xml = String(decoding: answer.body, as: UTF8.self)
        func text(_ name: String) throws -> String {
            let from = try #require(xml.range(of: "<\(name)>"))
            let to = try #require(xml.range(of: "</\(name)>"))
            return String(xml[from.upperBound..<to.lowerBound])
        }
        return .keys(
            accessKey: try text("AccessKeyId"), secret: Secret(try text("SecretAccessKey")),
            sessionToken: Secret(try text("SessionToken")))
    }

    @Test(arguments: S3Configuration.SignatureVersion.allCases)
    func aSessionDoesEverything(version: S3Configuration.SignatureVersion) throws {
        let gateway = try TestGateway.second()
        let session = try Self.assumeRole(gateway, seconds: 900)
        try gateway.store(credentials: session) {
            $0.signatureVersion = version
        } body: { store in
            try StoreUnderTest.with(store) { test in
                let stored = try test.put("a b", [1], ObjectMetadata(user: ["x": "y"]), .absent)
                #expect(try test.keys() == ["a b"])
                #expect(try test.get("a b") == [[1]])
                _ = try test.call {
                    store.copy(
                        from: test.address("a b"), to: test.address("c"), metadata: nil,
                        sourceMatching: stored.etag, completion: $0)
                }
                _ = try test.call { store.delete(["a b", "c"], in: test.bucket, completion: $0) }
                #expect(try test.keys().isEmpty)
            }
        }
    }

    @Test func aTokenThatIsMissingMangledOrMismatchedIsRefused() throws {
        let gateway = try TestGateway.second()
        guard
            case .keys(let access, let secret, let token?) =
                try Self.assumeRole(gateway, seconds: 900)
        else {
            Issue.record("no token")
            return
        }
        let mangled = Secret("x" + token.exposed.dropFirst())
        for credentials in [
            Credentials.keys(accessKey: access, secret: secret),
            .keys(accessKey: access, secret: secret, sessionToken: mangled),
            .keys(accessKey: access, secret: Secret("wrong"), sessionToken: token),
        ] {
            try gateway.store(credentials: credentials) { store in
                let test = StoreUnderTest.at(store, "rgwfs-test-any")
                let error = #expect(throws: ObjectStoreError.self) {
                    try test.call { store.headBucket(test.bucket, completion: $0) }
                }
                // InvalidArgument is for a token that cannot be read.
                let kinds: [ObjectStoreError.Kind] = [
                    .accessDenied, .badCredentials, .invalidRequest,
                ]
                #expect(error.map { kinds.contains($0.kind) } == true, "\(error as Any)")
                #expect(error.map { !"\($0)".contains(token.exposed.prefix(20)) } == true)
            }
        }
    }

    /// The session is over when its seconds are: requests go on with what the source has by then.
    @Test func anExpiredSessionIsReplacedWithoutAnError() throws {
        let gateway = try TestGateway.second()
        let short = try Self.assumeRole(gateway, seconds: 2)
        let source = SessionSource(short) { try Self.assumeRole(gateway, seconds: 900) }
        try gateway.store(provider: source) { store in
            try StoreUnderTest.with(store) { test in
                try test.put("before", [1])
                #expect(source.renewals == 0)
                try Self.waitUntilRefused(gateway, short)
                for round in 0..<3 { try test.put("after", [UInt8(round)]) }
                #expect(try test.keys() == ["after", "before"])
                #expect(source.renewals == 1)
            }
        }
    }

    private static func waitUntilRefused(_ gateway: TestGateway, _ session: Credentials) throws {
        try gateway.store(credentials: session) { store in
            let test = StoreUnderTest.at(store, "rgwfs-test-any")
            let deadline = Date(timeIntervalSinceNow: 30)
            while try test.failure({ store.listBuckets(completion: $0) }) == nil {
                try #require(Date() < deadline, "the session does not end")
            }
        }
    }
}

/// Renews a session when the server refuses it.
private final class SessionSource: CredentialsProvider {
    private let state: Mutex<(current: Credentials, renewals: Int)>
    private let renew: @Sendable () throws -> Credentials

    init(_ first: Credentials, renew: @escaping @Sendable () throws -> Credentials) {
        state = Mutex((first, 0))
        self.renew = renew
    }

    var renewals: Int { state.withLock(\.renewals) }
    func current() -> Credentials { state.withLock(\.current) }

    func refresh(refused: Credentials) -> Bool {
        guard refused == current() else { return true }
        guard let new = try? renew() else { return false }
        state.withLock { state in state = (new, state.renewals + 1) }
        return true
    }
}
