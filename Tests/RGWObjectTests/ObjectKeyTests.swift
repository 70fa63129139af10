import RGWObject
import Testing

@Suite struct ObjectKeyTests {
    @Test(arguments: ["a", "a//b", "/lead", "trail/", " ", "é", "\u{1}", "../x", "a b+c%20"])
    func everyUTF8KeyIsKeptExactly(text: String) throws {
        #expect(try ObjectKey(text).text == text)
    }

    @Test func aKeyHas1To1024Bytes() throws {
        #expect(throws: ObjectKey.Invalid.empty) { try ObjectKey([]) }
        let longest = String(repeating: "x", count: 1024)
        #expect(try ObjectKey(longest).bytes.count == 1024)
        #expect(throws: ObjectKey.Invalid.tooLong) { try ObjectKey(longest + "x") }
    }

    @Test func nulAndInvalidUTF8AreRefused() {
        #expect(throws: ObjectKey.Invalid.containsNUL) { try ObjectKey(Array("a\0b".utf8)) }
        #expect(throws: ObjectKey.Invalid.notUTF8) { try ObjectKey([0x61, 0xFF]) }
    }

    @Test func keysCompareByBytes() throws {
        let composed: ObjectKey = "\u{e9}"
        #expect(composed != "e\u{301}")
        let dash: ObjectKey = "a-"
        #expect(dash < "a/")
    }

    @Test(
        arguments: [
            ("photos", nil, "photos"), ("ten1:photos", "ten1", "photos"), (":photos", "", "photos"),
        ] as [(String, String?, String)])
    func bucketsMayHaveATenant(text: String, tenant: String?, name: String) {
        let bucket = BucketName(parsing: text)
        #expect(bucket.tenant == tenant)
        #expect(bucket.name == name)
        #expect(bucket.description == text)
    }

    @Test(arguments: ["abc", "\"abc\""]) func tagsLoseTheirQuotes(text: String) {
        #expect(ETag(text) == "abc")
    }

    @Test func anErrorIsOneLineWithEverythingInIt() {
        let error = ObjectStoreError(
            .quotaExceeded, operation: "PUT b/k", status: 403, code: "QuotaExceeded",
            requestID: "tx1", message: "full")
        #expect(
            error.description
                == "PUT b/k: the quota is used up, HTTP 403 QuotaExceeded: full (request tx1)")
    }
}
