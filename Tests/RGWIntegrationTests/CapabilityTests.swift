import Foundation
import RGWBase
import RGWClient
import RGWObject
import RGWWire
import Testing

/// What the probe finds on the real RGW, and that it leaves nothing behind.
@Suite struct CapabilityTests {
    private func probe(
        _ test: StoreUnderTest, _ store: S3ObjectStore, prefix: String = ""
    ) throws -> ServerCapabilities {
        try test.call {
            CapabilityProbe.run(
                store, bucket: test.bucket, prefix: Array(prefix.utf8), completion: $0)
        }
    }

    @Test(arguments: S3Configuration.SignatureVersion.allCases)
    func theProbeFindsWhatThisReleaseDoes(version: S3Configuration.SignatureVersion) throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) {
            $0.signatureVersion = version
        } body: {
            store in
            try StoreUnderTest.with(store) { test in
                try test.put("own", [1])
                let found = try probe(test, store, prefix: "p/")
                #expect(found.writable == .present)
                #expect(found.versioning == .off)
                #expect(found.conditionalCopy == .present)
                #expect(found.createOnly == .present)
                #expect(found.conditionalPut == .present)
                #expect(!found.ifMatchForms.isEmpty)
                #expect(found.conditionalDelete != .unknown)
                #expect((found.conditionalDelete == .present) == (found.deleteForm != nil))
                #expect(found.conditionalComplete != .unknown)
                #expect(found.multiObjectDelete == .present)
                #expect(store.capabilities(of: test.bucket) == found)
                #expect(try test.keys() == ["own"])
                let open = try test.call {
                    store.listUploads(
                        test.bucket, prefix: nil, after: nil, limit: 10, completion: $0)
                }
                #expect(open.uploads.isEmpty)
                try conditionsHold(test, store)
            }
        }
    }

    /// The calls that use what was found still do what they promise.
    private func conditionsHold(_ test: StoreUnderTest, _ store: S3ObjectStore) throws {
        let first = try test.put("k", [1], ObjectMetadata(), .absent)
        let second = try test.put("k", [2], ObjectMetadata(), .matches(first.etag))
        #expect(
            try test.failure {
                store.delete(test.address("k"), matching: first.etag, completion: $0)
            } == .preconditionFailed)
        #expect(
            try test.call {
                store.delete(test.address("k"), matching: second.etag, completion: $0)
            } == .deleted)
    }

    @Test(arguments: ["Enabled", "Suspended"])
    func aBucketThatKeepsVersionsIsNotWritten(status: String) throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) { store in
            try StoreUnderTest.with(store) { test in
                let xml =
                    "<VersioningConfiguration><Status>\(status)</Status></VersioningConfiguration>"
                let path = "/\(test.bucket.name)"
                _ = try gateway.send(.put, path, query: [QueryItem("versioning")], body: xml)
                let found = try probe(test, store)
                #expect(found.versioning.rawValue == status.lowercased())
                #expect(found.createOnly == .unknown && found.writable == .unknown)
                let versions = try gateway.send(.get, path, query: [QueryItem("versions")])
                #expect(!String(decoding: versions.body, as: UTF8.self).contains("<Version>"))
            }
        }
    }

    @Test func aBucketThatMayNotBeWrittenIsNotWritten() throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) { store in
            try StoreUnderTest.with(store) { test in
                let policy = """
                    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",\
                    "Action":["s3:GetObject","s3:ListBucket"],"Resource":\
                    ["arn:aws:s3:::\(test.bucket.name)","arn:aws:s3:::\(test.bucket.name)/*"]}]}
                    """
                _ = try gateway.send(
                    .put, "/\(test.bucket.name)", query: [QueryItem("policy")], body: policy)
                try gateway.store(credentials: .anonymous) { anonymous in
                    let guest = StoreUnderTest.at(anonymous, test.bucket)
                    let found = try probe(guest, anonymous)
                    #expect(found.writable == .absent)
                    #expect(found.createOnly == .unknown)
                }
                #expect(try test.keys().isEmpty)
            }
        }
    }

    /// DeleteObjects would end radosgw 16 here; the keys go one by one and it lives.
    @Test func aBucketThatTellsOfRemovalsIsSparedDeleteObjects() throws {
        let gateway = try TestGateway.first()
        let topic = "t\(UInt32.random(in: 0 ... .max))"
        let form = "Action=CreateTopic&Name=\(topic)&push-endpoint=http%3A%2F%2F127.0.0.1%3A9"
        let answer = try gateway.send(
            .post, "/", headers: ["content-type": "application/x-www-form-urlencoded"], body: form)
        let xml = String(decoding: answer.body, as: UTF8.self)
        let from = try #require(xml.range(of: "<TopicArn>")).upperBound
        let arn = String(xml[from..<(try #require(xml.range(of: "</TopicArn>")).lowerBound)])
        for (event, together) in [("s3:ObjectRemoved:*", false), ("s3:ObjectCreated:*", true)] {
            try gateway.store(credentials: gateway.keys) { store in
                try StoreUnderTest.with(store) { test in
                    let configuration =
                        "<NotificationConfiguration><TopicConfiguration><Id>n</Id><Topic>\(arn)"
                        + "</Topic><Event>\(event)</Event></TopicConfiguration>"
                        + "</NotificationConfiguration>"
                    _ = try gateway.send(
                        .put, "/\(test.bucket.name)", query: [QueryItem("notification")],
                        body: configuration)
                    let keys: [ObjectKey] = ["a", "b", "c"]
                    for key in keys { try test.put(key, [1]) }
                    let failures = try test.call {
                        store.delete(keys, in: test.bucket, completion: $0)
                    }
                    #expect(failures.isEmpty)
                    #expect(try test.keys().isEmpty)
                    let found = try probe(test, store)
                    #expect(found.multiObjectDelete == (together ? .present : .absent))
                    _ = try gateway.send(
                        .delete, "/\(test.bucket.name)", query: [QueryItem("notification")])
                }
            }
        }
    }
}
