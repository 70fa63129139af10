import RGWBase
import RGWCrypto
import RGWObject
import Testing

/// Every key of at most 1,024 bytes of UTF-8 is the same key in every request: seeded random keys of
/// what is hard (escapes, signs, slashes, dots, controls, Unicode), on every store.
@Suite struct EveryKeyTests {
    private static let parts =
        [
            "/", "//", ".", "..", " ", "  ", "+", "%", "%2F", "%00", "%zz", "?", "#", "&", "&amp;",
            ";", "\\", "=", "@", ":", ",", "$", "!", "*", "'", "\"", "(", ")", "[", "]", "{", "}",
            "<", ">", "]]>", "|", "^", "`", "~", "-", "_", "\t", "\n", "\r", "\r\n", "\u{7F}",
            "\u{85}", "\u{2028}", "e\u{301}", "\u{E9}", "\u{F6}", "\u{1F600}", "\u{FEFF}",
            "\u{FFFD}", "\u{FFFE}", "\u{FFFF}", "\u{10FFFF}", "a", "Z", "0", "aws-chunked",
            "?uploads", "?acl&x=y", "x-amz-", "arn:aws:s3:::b",
        ] + (1...0x1F).map { String(Unicode.Scalar(UInt8($0))) }

    private static func keys(seed: UInt64, count: Int) throws -> [ObjectKey] {
        var generator = Seeded(seed: seed)
        var keys: Set<ObjectKey> = []
        // The longest keys there are, of one and of four bytes a character.
        for unit in ["k", "/", "%", "\u{1F600}", "\u{1}"] {
            keys.insert(
                try ObjectKey(String(repeating: unit, count: ObjectKey.lengthMax / unit.utf8.count))
            )
        }
        while keys.count < count {
            var text = ""
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                text += parts.randomElement(using: &generator) ?? ""
            }
            if Int.random(in: 0..<8, using: &generator) == 0 {
                text = String(repeating: text, count: 40)
            }
            if let key = try? ObjectKey(text) { keys.insert(key) }
        }
        return keys.sorted()
    }

    @Test(arguments: Subject.allCases, [1, 2] as [UInt64])
    func everyRequestNamesTheSameObject(subject: Subject, seed: UInt64) throws {
        let keys = try Self.keys(seed: seed, count: subject == .memory ? 400 : 60)
        try StoreUnderTest.with(subject) { test in
            for key in keys { try roundTrip(test, key) }
            #expect(try test.keys() == keys)
            try deletePrefixes(test, keys)
        }
    }

    /// PUT, HEAD, GET, LIST of this key alone, COPY onto itself and to another key, DELETE.
    private func roundTrip(_ test: StoreUnderTest, _ key: ObjectKey) throws {
        let body = key.bytes.reversed() + [0]
        let stored = try test.put(key, Array(body), ObjectMetadata(user: ["n": "1"]), .absent)
        #expect(try test.head(key).etag == stored.etag, "\(key)")
        #expect(try test.get(key).flatMap(\.self) == Array(body), "\(key)")
        let page = try test.page(key, delimited: false, after: nil, limit: 1)
        #expect(page.objects.map(\.key) == [key], "\(key)")
        _ = try test.call {
            test.store.copy(
                from: test.address(key), to: test.address(key),
                metadata: ObjectMetadata(user: ["n": "2"]), sourceMatching: stored.etag,
                completion: $0)
        }
        #expect(try test.head(key).metadata.user == ["n": "2"], "\(key)")
        let other: ObjectKey = "\u{1F512}copy"
        _ = try test.call {
            test.store.copy(
                from: test.address(key), to: test.address(other), metadata: nil,
                sourceMatching: nil, completion: $0)
        }
        #expect(try test.get(other).flatMap(\.self) == Array(body), "\(key)")
        try test.call { test.store.delete(test.address(other), completion: $0) }
        #expect(
            try test.failure { test.store.head(test.address(other), completion: $0) } == .noSuchKey)
    }

    /// Listings from every key on, and then half of the keys by DeleteObjects, half by DELETE.
    private func deletePrefixes(_ test: StoreUnderTest, _ keys: [ObjectKey]) throws {
        for (index, key) in keys.enumerated() where index % 7 == 0 {
            let page = try test.page(nil, delimited: false, after: key, limit: 1)
            #expect(page.objects.map(\.key) == Array(keys.dropFirst(index + 1).prefix(1)), "\(key)")
        }
        let (batch, single) = (keys.prefix(keys.count / 2), keys.dropFirst(keys.count / 2))
        let failures = try test.call {
            test.store.delete(Array(batch), in: test.bucket, completion: $0)
        }
        #expect(failures.isEmpty)
        #expect(try test.keys() == Array(single))
        for key in single {
            let etag = try test.head(key).etag
            let done = try test.call {
                test.store.delete(test.address(key), matching: etag, completion: $0)
            }
            #expect(done == .deleted, "\(key)")
        }
        #expect(try test.keys().isEmpty)
    }

    @Test func whatIsNoKeyIsRefusedBeforeAnythingIsSent() {
        #expect(throws: ObjectKey.Invalid.empty) { try ObjectKey([UInt8]()) }
        #expect(throws: ObjectKey.Invalid.containsNUL) { try ObjectKey(Array("a\u{0}b".utf8)) }
        #expect(throws: ObjectKey.Invalid.tooLong) {
            try ObjectKey([UInt8](repeating: 0x61, count: 1025))
        }
        for bytes in [
            [0xFF], [0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80],
        ] as [[UInt8]] {
            #expect(throws: ObjectKey.Invalid.notUTF8) { try ObjectKey(bytes) }
        }
    }
}

/// SplitMix64.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
