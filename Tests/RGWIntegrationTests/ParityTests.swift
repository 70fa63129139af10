import Foundation
import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Testing

/// What Libcloud's RGW driver can do, on a real RGW; the table in ARCHITECTURE.md names these tests.
@Suite struct ParityTests {
    private static let versions = S3Configuration.SignatureVersion.allCases

    private static func name() -> String { "rgwfs-test-\(UUID().uuidString.lowercased())" }

    /// The driver's default; and its region breaks creating a bucket, because it sends it.
    @Test(arguments: ["default", "eu-west-1", "xx"], versions)
    func anyRegionMakesABucket(region: String, version: S3Configuration.SignatureVersion) throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) {
            ($0.region, $0.signatureVersion) = (region, version)
        } body: { store in
            try StoreUnderTest.with(store) { test in
                try test.put("k", [1])
                #expect(try test.get("k") == [[1]])
            }
        }
    }

    @Test func aLocationConstraintIsSentWhenConfiguredAndAForeignOneIsNamed() throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) {
            $0.locationConstraint = "default"
        } body: { store in
            try StoreUnderTest.with(store) { test in try test.put("k", [1]) }
        }
        try gateway.store(credentials: gateway.keys) {
            $0.locationConstraint = "nowhere"
        } body: { store in
            let bucket = BucketName(name: Self.name())
            let test = StoreUnderTest.at(store, bucket)
            let error = #expect(throws: ObjectStoreError.self) {
                try test.call { store.createBucket(bucket, completion: $0) }
            }
            // RGW 16 and 18 say the one, RGW 20 the other.
            let codes = ["InvalidLocationConstraint", "IllegalLocationConstraintException"]
            #expect(codes.contains(error?.code ?? ""))
            #expect(error?.kind == .invalidRequest)
        }
    }

    @Test(arguments: [true, false])
    func bodiesAreSignedOrNotAndAlwaysCompared(signs: Bool) throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) {
            ($0.signsPayload, $0.partSize) = (signs, 5 << 20)
        } body: { store in
            try StoreUnderTest.with(store) { test in
                let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
                let stored = try test.put("k", bytes)
                #expect(stored.etag.text == Hexadecimal.encode(Hash.md5(bytes)))
                #expect(try test.get("k").flatMap(\.self) == bytes)
                let file = try FileBody(bytes)
                for length in [0, 1, bytes.count] {
                    let part = Array(bytes[..<length])
                    _ = try test.call {
                        store.put(
                            test.address("f"), body: .file(file, offset: 0, length: UInt64(length)),
                            md5: Hash.md5(part), metadata: ObjectMetadata(), precondition: .none,
                            completion: $0)
                    }
                    #expect(try test.get("f").flatMap(\.self) == part)
                }
                let whole = try FileBody([UInt8](repeating: 3, count: (5 << 20) + 7))
                _ = try test.call {
                    store.putMultipart(
                        test.address("m"),
                        body: .file(whole, offset: 0, length: UInt64(whole.bytes.count)),
                        metadata: ObjectMetadata(), precondition: .none, completion: $0)
                }
                #expect(try test.head("m").size == UInt64(whole.bytes.count))
                _ = try test.call {
                    store.delete(["k", "f", "m"], in: test.bucket, completion: $0)
                }
                #expect(try test.keys().isEmpty)
            }
        }
    }

    @Test func aBodyThatChangesAfterItWasSignedIsNotStored() throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) {
            ($0.signsPayload, $0.retrans) = (true, 0)
        } body: { store in
            try StoreUnderTest.with(store) { test in
                let file = try FileBody([1, 2, 3], shown: [1, 2, 4])
                let error = try test.failure {
                    store.put(
                        test.address("k"), body: .file(file, offset: 0, length: 3),
                        md5: Hash.md5([1, 2, 3]), metadata: ObjectMetadata(), precondition: .none,
                        completion: $0)
                }
                #expect(error == .badDigest)
                #expect(try test.keys().isEmpty)
            }
        }
    }

    /// Signed as `tenant%3Abucket`; the driver has no tenants.
    @Test(arguments: versions)
    func anotherTenantsBucketIsReachedByItsName(version: S3Configuration.SignatureVersion) throws {
        let gateway = try TestGateway.first()
        let tenant = "t\(version.rawValue)x\(UInt32.random(in: 0 ... .max))"
        let key = SigningKey(accessKey: "\(tenant)key", secret: Secret("tenantsecret"))
        try TestGateway.admin(
            "user", "create", "--tenant=\(tenant)", "--uid=u", "--display-name=u",
            "--access-key=\(key.accessKey)", "--secret=\(key.secret.exposed)")
        defer { try? _ = TestGateway.admin("user", "rm", "--tenant=\(tenant)", "--uid=u") }
        let owner = Credentials.keys(accessKey: key.accessKey, secret: key.secret)
        try gateway.store(credentials: owner) {
            $0.signatureVersion = version
        } body: { own in
            try StoreUnderTest.with(own, named: "shared") { mine in
                let policy = """
                    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":\
                    ["arn:aws:iam:::user/test"]},"Action":["s3:*"],"Resource":\
                    ["arn:aws:s3::\(tenant):shared","arn:aws:s3::\(tenant):shared/*"]}]}
                    """
                _ = try gateway.send(
                    .put, "/shared", query: [QueryItem("policy")], body: policy, as: key)
                try gateway.store(credentials: gateway.keys) {
                    $0.signatureVersion = version
                } body: { store in
                    let other = StoreUnderTest.at(
                        store, BucketName(tenant: tenant, name: "shared"))
                    try other.put("d/a b", [1, 2])
                    #expect(try other.keys() == ["d/a b"])
                    #expect(try other.get("d/a b").flatMap(\.self) == [1, 2])
                    #expect(try other.head("d/a b").size == 2)
                    _ = try other.call {
                        store.copy(
                            from: other.address("d/a b"), to: other.address("c"),
                            metadata: ObjectMetadata(user: ["x": "y"]), sourceMatching: nil,
                            completion: $0)
                    }
                    #expect(try mine.keys() == ["c", "d/a b"], "one bucket, two names")
                    #expect(
                        try test(store, "shared") == .noSuchBucket, "our tenant has no such bucket")
                }
            }
        }
    }

    private func test(_ store: S3ObjectStore, _ name: String) throws -> ObjectStoreError.Kind? {
        let other = StoreUnderTest.at(store, BucketName(name: name))
        return try other.failure { store.headBucket(other.bucket, completion: $0) }
    }

    @Test func aPublicBucketIsReadWithoutKeysAndNotWritten() throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) { store in
            try StoreUnderTest.with(store) { test in
                try test.put("d/k", [1, 2, 3])
                let bucket = test.bucket.name
                try gateway.store(credentials: .anonymous) { anonymous in
                    let guest = StoreUnderTest.at(anonymous, test.bucket)
                    #expect(
                        try guest.failure { anonymous.head(guest.address("d/k"), completion: $0) }
                            == .accessDenied)
                    let policy = """
                        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",\
                        "Action":["s3:GetObject","s3:ListBucket"],"Resource":\
                        ["arn:aws:s3:::\(bucket)","arn:aws:s3:::\(bucket)/*"]}]}
                        """
                    _ = try gateway.send(
                        .put, "/\(bucket)", query: [QueryItem("policy")], body: policy)
                    #expect(try guest.keys() == ["d/k"])
                    #expect(try guest.get("d/k").flatMap(\.self) == [1, 2, 3])
                    #expect(try guest.head("d/k").size == 3)
                    #expect(
                        try guest.failure {
                            anonymous.put(
                                guest.address("n"), body: .bytes([]), md5: Hash.md5([]),
                                metadata: ObjectMetadata(), precondition: .none, completion: $0)
                        } == .accessDenied)
                }
            }
        }
    }

    @Test(arguments: versions)
    func aVirtualHostNamesTheBucket(version: S3Configuration.SignatureVersion) throws {
        var gateway = try TestGateway.second()
        gateway.endpoint.host = "rgw.localhost"
        gateway.endpoint.style = .virtualHost
        try gateway.store(credentials: gateway.keys) {
            $0.signatureVersion = version
        } body: {
            store in
            try StoreUnderTest.with(store) { test in
                let key: ObjectKey = "d//a b+c"
                try test.put(key, [1])
                #expect(try test.keys() == [key])
                #expect(try test.get(key) == [[1]])
                _ = try test.call {
                    store.copy(
                        from: test.address(key), to: test.address("copy"), metadata: nil,
                        sourceMatching: nil, completion: $0)
                }
                let id = try test.call {
                    store.createUpload(
                        test.address("m"), metadata: ObjectMetadata(), completion: $0)
                }
                let upload = MultipartUploadAddress(object: test.address("m"), id: id)
                try test.call { store.abortUpload(upload, completion: $0) }
            }
        }
    }

    /// RGW takes a name that it does not know for the bucket's.
    @Test func aGatewayThatDoesNotKnowItsNameIsNamedInTheError() throws {
        var gateway = try TestGateway.second()
        gateway.endpoint.host = "other.localhost"
        try gateway.store(credentials: gateway.keys) { store in
            let test = StoreUnderTest.at(store, BucketName(name: Self.name()))
            for call in [
                { done in
                    store.list(
                        test.bucket, prefix: nil, delimited: true, after: nil, limit: 1,
                        completion: { done($0.map { _ in }) })
                },
                { done in store.headBucket(test.bucket, completion: { done($0.map { _ in }) }) },
            ] as [(@escaping Completion<Void>) -> any Cancellable] {
                let error = #expect(throws: ObjectStoreError.self) { try test.call(call) }
                #expect(error?.kind == .noSuchBucket)
                #expect(error?.message?.contains("other.localhost") == true)
            }
        }
        // Without a name of its own in the way, a missing bucket is just missing.
        gateway.endpoint.host = "rgw.localhost"
        try gateway.store(credentials: gateway.keys) { store in
            let test = StoreUnderTest.at(store, BucketName(name: Self.name()))
            let error = #expect(throws: ObjectStoreError.self) {
                try test.call { store.headBucket(test.bucket, completion: $0) }
            }
            #expect(error?.kind == .noSuchBucket && error?.message == nil)
        }
    }

    @Test(arguments: versions)
    func wrongKeysAreToldFromMissingOnes(version: S3Configuration.SignatureVersion) throws {
        let gateway = try TestGateway.first()
        for (access, secret, code) in [
            (gateway.accessKey, "wrong", "SignatureDoesNotMatch"),
            ("nobody", gateway.secretKey, "InvalidAccessKeyId"),
        ] {
            let keys = Credentials.keys(accessKey: access, secret: Secret(secret))
            try gateway.store(credentials: keys) {
                $0.signatureVersion = version
            } body: { store in
                let test = StoreUnderTest.at(store, "rgwfs-test-any")
                let error = #expect(throws: ObjectStoreError.self) {
                    try test.call { store.head(test.address("k"), completion: $0) }
                }
                #expect(error?.kind == .badCredentials)
                #expect(error?.code == code)
                #expect(error?.requestID?.isEmpty == false)
            }
        }
    }
}

/// A body in a file; what is signed may differ from it, as when somebody changes the file.
final class FileBody: BodyFile {
    let bytes: [UInt8]
    private let handle: FileHandle
    private let shown: [UInt8]

    var descriptor: Int32 { handle.fileDescriptor }

    init(_ bytes: [UInt8], shown: [UInt8]? = nil) throws {
        self.bytes = bytes
        self.shown = shown ?? bytes
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("rgwfs-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        handle = try FileHandle(forReadingFrom: file)
        try FileManager.default.removeItem(at: file)
    }

    func contents(at offset: UInt64, count: Int) -> [UInt8]? {
        Array(shown.dropFirst(Int(offset)).prefix(count))
    }
}
