import RGWBase
import RGWCrypto
import RGWObject
import RGWTestKit
import RGWWire
import Testing

/// The laws of the object store port, on the store in memory and on a real RGW under both
/// signatures.
@Suite struct ObjectStoreTests {
    static let hostileKeys: [ObjectKey] = [
        "plain", "two words", "per%cent", "per%2Fcent", "plus+plus", "q?mark", "hash#", "amp&amp;",
        "semi;colon", "back\\slash", "a//b", "/lead", "trail/", ".", "..", "./a", "a/../b", "a/.",
        "tab\tx", "line\nx", "return\rx", "\u{1}control", "\u{7F}delete", "caf\u{E9}",
        "cafe\u{301}", "😀", "\u{FFFF}", "it's", "q\"uote", "<x>", "]]>", "=@:,!*()[]{}|^`~$-._",
        "x-amz-meta", "dir", "dir/", "dir/a",
    ]

    @Test(arguments: Subject.allCases)
    func everyKeyRoundTrips(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            for key in Self.hostileKeys {
                let body = key.bytes + [0, 1, 2]
                let stored = try test.put(key, body)
                #expect(stored.etag.text == Hexadecimal.encode(Hash.md5(body)), "\(key)")
                #expect(try test.head(key).etag == stored.etag, "\(key)")
                #expect(try test.get(key).flatMap(\.self) == body, "\(key)")
                let copy = try ObjectKey(Array("copies/".utf8) + key.bytes)
                _ = try test.call { completion in
                    test.store.copy(
                        from: test.address(key), to: test.address(copy),
                        metadata: ObjectMetadata(contentType: "a/b"), sourceMatching: stored.etag,
                        completion: completion)
                }
                #expect(try test.get(copy).flatMap(\.self) == body, "\(key)")
            }
            let copies = try Self.hostileKeys.map {
                try ObjectKey(Array("copies/".utf8) + $0.bytes)
            }
            #expect(try test.keys() == (Self.hostileKeys + copies).sorted())
            let failures = try test.call { completion in
                test.store.delete(copies, in: test.bucket, completion: completion)
            }
            #expect(failures.isEmpty)
            #expect(try test.keys() == Self.hostileKeys.sorted())
            for key in Self.hostileKeys {
                try test.call { test.store.delete(test.address(key), completion: $0) }
            }
            #expect(try test.keys().isEmpty)
        }
    }

    @Test(arguments: Subject.allCases)
    func metadataComesBackAsSent(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let metadata = ObjectMetadata(
                contentType: "text/x-test; charset=utf-8", cacheControl: "no-cache",
                contentDisposition: "attachment; filename=\"a b\"", contentEncoding: "identity",
                contentLanguage: "de", expires: "Thu, 01 Jan 2030 00:00:00 GMT",
                user: ["mode": "33188", "mtime": "1700000000.123456789", "a-b.c": "ü  ß %20 \"'"])
            try test.put("k", [1], metadata)
            #expect(try test.head("k").metadata == metadata)
            let changed = ObjectMetadata(contentType: "x/y", user: ["only": "this"])
            _ = try test.call { completion in
                test.store.copy(
                    from: test.address("k"), to: test.address("k"), metadata: changed,
                    sourceMatching: nil, completion: completion)
            }
            #expect(try test.head("k").metadata == changed)
        }
    }

    @Test(arguments: Subject.allCases)
    func conditionsHold(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let first = try test.put("k", [1], ObjectMetadata(), .absent)
            func fails(_ condition: Precondition) throws -> ObjectStoreError.Kind? {
                try test.failure { completion in
                    test.store.put(
                        test.address("k"), body: .bytes([9]), md5: Hash.md5([9]),
                        metadata: ObjectMetadata(), precondition: condition, completion: completion)
                }
            }
            #expect(try fails(.absent) == .preconditionFailed)
            #expect(try fails(.matches("0123")) == .preconditionFailed)
            let second = try test.put("k", [2], ObjectMetadata(), .matches(first.etag))
            #expect(try fails(.matches(first.etag)) == .preconditionFailed)
            #expect(try test.get("k").flatMap(\.self) == [2])
            let stale = try test.failure { completion in
                test.store.copy(
                    from: test.address("k"), to: test.address("l"), metadata: ObjectMetadata(),
                    sourceMatching: first.etag, completion: completion)
            }
            #expect(stale == .preconditionFailed)
            let read = try test.failure { completion in
                test.store.get(
                    test.address("k"), range: nil, matching: first.etag, lane: .bulk, blockSize: 1,
                    onBlock: { _ in }, completion: completion)
            }
            #expect(read == .preconditionFailed)
            #expect(try test.head("k").etag == second.etag)
        }
    }

    @Test(arguments: Subject.allCases)
    func aWrongDigestStoresNothing(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let error = try test.failure { completion in
                test.store.put(
                    test.address("k"), body: .bytes([1]), md5: Hash.md5([2]),
                    metadata: ObjectMetadata(), precondition: .none, completion: completion)
            }
            #expect(error == .badDigest)
            #expect(try test.keys().isEmpty)
        }
    }

    @Test(arguments: Subject.allCases)
    func rangesAreExact(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let body = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
            try test.put("k", body)
            for range in [0..<1, 0..<1000, 999..<1000, 10..<20, 990..<5000] as [Range<UInt64>] {
                let blocks = try test.get("k", range, blockSize: 7)
                let end = min(1000, Int(range.upperBound))
                #expect(blocks.flatMap(\.self) == Array(body[Int(range.lowerBound)..<end]))
                #expect(blocks.dropLast().allSatisfy { $0.count == 7 })
            }
            for range in [1000..<1001, 5000..<6000] as [Range<UInt64>] {
                let error = try test.failure { completion in
                    test.store.get(
                        test.address("k"), range: range, matching: nil, lane: .bulk, blockSize: 7,
                        onBlock: { _ in }, completion: completion)
                }
                #expect(error == .invalidRange)
            }
            try test.put("empty", [])
            #expect(try test.get("empty").isEmpty)
            #expect(try test.head("empty").size == 0)
        }
    }

    @Test(arguments: Subject.allCases)
    func listingsPageInByteOrder(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let keys: [ObjectKey] = [
                "a", "a b/1", "a b/2", "a+b", "a/", "a/1", "a/2", "a/b/1", "a/b/2", "a0", "b/c/d",
                "\u{1}/x", "%2F/y", "é/z", "zz",
            ]
            for key in keys { try test.put(key, []) }
            for limit in [1, 2, 3, 7, 1000] {
                #expect(
                    try walk(test, nil, delimited: false, limit) == keys.sorted().map(\.text))
                #expect(
                    try walk(test, nil, delimited: true, limit) == [
                        "\u{1}/", "%2F/", "a", "a b/", "a+b", "a/", "a0", "b/", "zz", "é/",
                    ])
                #expect(
                    try walk(test, "a/", delimited: true, limit) == ["a/", "a/1", "a/2", "a/b/"])
                #expect(try walk(test, "a b/", delimited: false, limit) == ["a b/1", "a b/2"])
                #expect(try walk(test, "none/", delimited: true, limit).isEmpty)
            }
        }
    }

    /// Keys and prefixes of all pages, merged in byte order within each page.
    private func walk(
        _ test: StoreUnderTest, _ prefix: ObjectKey?, delimited: Bool, _ limit: Int
    ) throws -> [String] {
        var seen: [ObjectKey] = []
        var after: ObjectKey?
        repeat {
            let page = try test.page(prefix, delimited: delimited, after: after, limit: limit)
            let entries = (page.objects.map(\.key) + page.commonPrefixes).sorted()
            #expect(entries.count <= limit)
            seen += entries
            after = page.next
        } while after != nil
        return seen.map(\.text)
    }

    @Test(arguments: Subject.allCases)
    func whatIsMissingHasItsOwnError(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let missing = test.address("missing")
            let nowhere = BucketName(name: "rgwfs-test-no-such-bucket")
            #expect(try test.failure { test.store.head(missing, completion: $0) } == .noSuchKey)
            #expect(
                try test.failure { completion in
                    test.store.copy(
                        from: missing, to: test.address("k"), metadata: ObjectMetadata(),
                        sourceMatching: nil, completion: completion)
                } == .noSuchKey)
            #expect(
                try test.failure { test.store.headBucket(nowhere, completion: $0) } == .noSuchBucket
            )
            #expect(
                try test.failure { completion in
                    test.store.list(
                        nowhere, prefix: nil, delimited: false, after: nil, limit: 1,
                        completion: completion)
                } == .noSuchBucket)
            try test.call { test.store.delete(missing, completion: $0) }
            try test.put("k", [1])
            #expect(
                try test.failure { test.store.deleteBucket(test.bucket, completion: $0) }
                    == .bucketNotEmpty)
        }
    }

    @Test(arguments: Subject.allCases)
    func bucketsShowTheirUse(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            try test.put("a", [1, 2, 3])
            try test.put("b", [1, 2, 3, 4])
            let usage = try test.call { test.store.headBucket(test.bucket, completion: $0) }
            #expect(usage.objects == 2)
            #expect(usage.bytes == 7)
            let buckets = try test.call { test.store.listBuckets(completion: $0) }
            #expect(buckets.contains { $0.name == test.bucket })
        }
    }

    @Test(arguments: Subject.allCases)
    func largeBodiesArriveWhole(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let body = (0..<(12 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }
            let stored = try test.put("whole", body)
            #expect(try test.head("whole").size == UInt64(body.count))
            let blocks = try test.get("whole", blockSize: 1 << 20)
            #expect(blocks.count == 12)
            #expect(Array(blocks.joined()) == body)
            let parts = try test.call { completion in
                test.store.putMultipart(
                    test.address("parts"), body: .bytes(body), metadata: ObjectMetadata(),
                    precondition: .absent, completion: completion)
            }
            #expect(Array(try test.get("parts").joined()) == body)
            #expect(try test.head("parts").etag == parts.etag)
            #expect(stored.etag.text == Hexadecimal.encode(Hash.md5(body)))
        }
    }
}
