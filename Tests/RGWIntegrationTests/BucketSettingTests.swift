import Foundation
import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Testing

/// Conditions on the real RGW, in buckets of every kind: what must hold holds, and what must not does not.
@Suite struct BucketSettingTests {
    enum Setting: String, CaseIterable, Sendable {
        case off
        case enabled = "Enabled"
        case suspended = "Suspended"
    }

    private func with(
        _ setting: Setting, _ version: S3Configuration.SignatureVersion = .v4,
        _ body: (StoreUnderTest, S3ObjectStore, TestGateway) throws -> Void
    ) throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) {
            $0.signatureVersion = version
        } body: { store in
            try StoreUnderTest.with(store) { test in
                try configure(test.bucket, setting, gateway)
                try body(test, store, gateway)
                // What the bucket keeps must go before it can be removed.
                for version in try versions(test, gateway) {
                    _ = try gateway.send(
                        .delete, "/\(test.bucket.name)/\(version.key)",
                        query: [QueryItem("versionId", version.id)])
                }
            }
        }
    }

    private func configure(
        _ bucket: BucketName, _ setting: Setting, _ gateway: TestGateway
    ) throws {
        guard setting != .off else { return }
        let status = "<Status>\(setting.rawValue)</Status>"
        let xml = "<VersioningConfiguration>\(status)</VersioningConfiguration>"
        _ = try gateway.send(.put, "/\(bucket.name)", query: [QueryItem("versioning")], body: xml)
    }

    private func versions(
        _ test: StoreUnderTest, _ gateway: TestGateway
    ) throws -> [(key: String, id: String)] {
        let answer = try gateway.send(
            .get, "/\(test.bucket.name)", query: [QueryItem("versions")])
        let listed = try S3Response(.listVersions, subject: "", http: answer).versions()
        return listed.map { (String(decoding: $0.key, as: UTF8.self), $0.version) }
    }

    private func refusal(
        _ test: StoreUnderTest, _ body: [UInt8], _ precondition: Precondition
    ) throws -> ObjectStoreError.Kind? {
        try test.failure {
            test.store.put(
                test.address("k"), body: .bytes(body), md5: Hash.md5(body),
                metadata: ObjectMetadata(), precondition: precondition, completion: $0)
        }
    }

    @Test(arguments: Setting.allCases, S3Configuration.SignatureVersion.allCases)
    func conditionsHold(setting: Setting, version: S3Configuration.SignatureVersion) throws {
        try with(setting, version) { test, _, gateway in
            for round in UInt8(0)..<2 {
                var last = try test.put("k", [round, 0], ObjectMetadata(), .absent)
                #expect(try refusal(test, [9], .absent) == .preconditionFailed)
                for step in UInt8(1)..<4 {
                    let stale = last
                    last = try test.put("k", [round, step], ObjectMetadata(), .matches(last.etag))
                    #expect(try refusal(test, [9], .matches(stale.etag)) == .preconditionFailed)
                }
                #expect(try test.get("k").flatMap(\.self) == [round, 3])
                try test.call { test.store.delete(test.address("k"), completion: $0) }
                #expect(try refusal(test, [9], .matches(last.etag)) == .preconditionFailed)
            }
            let kept =
                switch setting {
                case .off: 0
                case .enabled: 10
                case .suspended: 1
                }
            #expect(try versions(test, gateway).count == kept, "and refused ones leave nothing")
        }
    }

    /// The end of an upload in parts under the same conditions.
    @Test(arguments: Setting.allCases)
    func anUploadInPartsHeedsConditions(setting: Setting) throws {
        try with(setting) { test, _, _ in
            func upload(_ byte: UInt8, _ condition: Precondition) throws -> ObjectStoreError.Kind? {
                try test.failure {
                    test.store.putMultipart(
                        test.address("k"), body: .bytes([byte]), metadata: ObjectMetadata(),
                        precondition: condition, completion: $0)
                }
            }
            for _ in 0..<2 {
                #expect(try upload(1, .absent) == nil)
                let first = try test.head("k").etag
                #expect(try upload(2, .absent) == .preconditionFailed)
                #expect(try upload(2, .matches(first)) == nil)
                #expect(try upload(3, .matches(first)) == .preconditionFailed)
                #expect(try test.get("k").flatMap(\.self) == [2])
                try test.call { test.store.delete(test.address("k"), completion: $0) }
            }
        }
    }

    /// Many make the same key at once: one succeeds, and nothing of the others stays.
    @Test(arguments: Setting.allCases)
    func oneOfManyCreatesAKey(setting: Setting) throws {
        try with(setting) { test, store, gateway in
            for round in UInt8(0)..<5 {
                let key = try ObjectKey(Array("race-\(round)".utf8))
                let done = DispatchSemaphore(value: 0)
                let outcomes = (UInt8(0)..<8).map { number in
                    let (body, outcome) = ([round, number], Blocks())
                    store.put(
                        test.address(key), body: .bytes(body), md5: Hash.md5(body),
                        metadata: ObjectMetadata(), precondition: .absent
                    ) { result in
                        if case .success = result { outcome.append(body) }
                        done.signal()
                    }
                    return outcome
                }
                for _ in outcomes { #expect(done.wait(timeout: .now() + 60) == .success) }
                let winners = outcomes.flatMap(\.all)
                #expect(winners.count == 1)
                #expect(try test.get(key).flatMap(\.self) == winners.first)
                let names = try versions(test, gateway).map(\.key)
                #expect(names.count { $0 == key.text } == 1)
            }
        }
    }

    @Test(arguments: Setting.allCases)
    func aCopyLeavesAnotherVersionAlone(setting: Setting) throws {
        try with(setting) { test, store, _ in
            let first = try test.put("k", [1], ObjectMetadata(user: ["a": "old"]))
            let second = try test.put("k", [2], ObjectMetadata(user: ["a": "new"]))
            for target in ["k", "other"] as [ObjectKey] {
                let stale = try test.failure {
                    test.store.copy(
                        from: test.address("k"), to: test.address(target),
                        metadata: ObjectMetadata(user: ["a": "mine"]),
                        sourceMatching: first.etag, completion: $0)
                }
                #expect(stale == .preconditionFailed)
            }
            #expect(try test.head("k").metadata.user == ["a": "new"])
            #expect(try test.keys() == ["k"])
            _ = try test.call {
                test.store.copy(
                    from: test.address("k"), to: test.address("k"),
                    metadata: ObjectMetadata(user: ["a": "mine"]),
                    sourceMatching: second.etag, completion: $0)
            }
            #expect(try test.head("k").metadata.user == ["a": "mine"])
            #expect(store.capabilities(of: test.bucket).conditionalCopy == .present)
        }
    }

    @Test(arguments: Setting.allCases)
    func theSettingIsAskedFor(setting: Setting) throws {
        try with(setting) { test, store, _ in
            let found = try test.call { store.versioning(of: test.bucket, completion: $0) }
            #expect(found.rawValue == setting.rawValue.lowercased())
            #expect(store.capabilities(of: test.bucket).versioning == found)
        }
    }
}
