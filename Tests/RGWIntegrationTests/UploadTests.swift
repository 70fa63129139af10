import RGWBase
import RGWCrypto
import RGWObject
import Testing

/// Uploads in parts and deletes of one version: the same laws on the store in memory and on a real
/// RGW under both signatures.
@Suite struct UploadTests {
    static let partSize = 5 << 20

    private func begin(
        _ test: StoreUnderTest, _ key: ObjectKey, _ metadata: ObjectMetadata = ObjectMetadata()
    ) throws -> MultipartUploadAddress {
        let id = try test.call {
            test.store.createUpload(test.address(key), metadata: metadata, completion: $0)
        }
        return MultipartUploadAddress(object: test.address(key), id: id)
    }

    private func put(
        _ test: StoreUnderTest, _ upload: MultipartUploadAddress, _ number: Int, _ bytes: [UInt8]
    ) throws -> UploadedPart {
        try test.call {
            test.store.putPart(
                upload, number: number, body: .bytes(bytes), md5: Hash.md5(bytes), completion: $0)
        }
    }

    private func completing(
        _ test: StoreUnderTest, _ upload: MultipartUploadAddress, _ parts: [UploadedPart],
        _ precondition: Precondition = .none
    ) throws -> ObjectStoreError.Kind? {
        try test.failure {
            test.store.completeUpload(
                upload, parts: parts, precondition: precondition, completion: $0)
        }
    }

    @Test(arguments: Subject.allCases)
    func anUploadGoesOnFromWhatTheServerHas(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let metadata = ObjectMetadata(contentType: "a/b", user: ["mode": "33188"])
            let upload = try begin(test, "big file", metadata)
            let whole = [UInt8](repeating: 7, count: Self.partSize)
            let second = try put(test, upload, 2, [8])
            let first = try put(test, upload, 1, whole)
            let listed = try test.call { test.store.listParts(upload, completion: $0) }
            #expect(listed.map(\.part) == [first, second])
            #expect(listed.map(\.size) == [UInt64(Self.partSize), 1])
            #expect(try test.keys().isEmpty, "nothing shows before the end")
            let stored = try test.call {
                test.store.completeUpload(
                    upload, parts: [first, second], precondition: .absent, completion: $0)
            }
            let head = try test.head("big file")
            #expect(head.etag == stored.etag)
            #expect(head.size == UInt64(Self.partSize) + 1)
            #expect(head.metadata == metadata)
            #expect(stored.etag.text.hasSuffix("-2"))
            #expect(
                try completing(test, upload, [first, second], .absent) == nil,
                "completing again after a lost answer")
        }
    }

    @Test(arguments: Subject.allCases)
    func whatIsGoneIsNoSuchUpload(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let upload = try begin(test, "k")
            let part = try put(test, upload, 1, [1])
            try test.call { test.store.abortUpload(upload, completion: $0) }
            try test.call { test.store.abortUpload(upload, completion: $0) }
            #expect(
                try test.failure { test.store.listParts(upload, completion: $0) } == .noSuchUpload)
            #expect(try completing(test, upload, [part]) == .noSuchUpload)
            #expect(
                try test.failure {
                    test.store.putPart(
                        upload, number: 1, body: .bytes([1]), md5: Hash.md5([1]), completion: $0)
                } == .noSuchUpload)
            #expect(try test.keys().isEmpty)
        }
    }

    @Test(arguments: Subject.allCases)
    func whatCannotBePutTogetherIsRefused(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let upload = try begin(test, "k")
            let first = try put(test, upload, 1, [1])
            let second = try put(test, upload, 2, [2])
            #expect(try completing(test, upload, [first, second]) == .invalidRequest, "too small")
            #expect(try completing(test, upload, [second, first]) == .invalidRequest)
            #expect(try completing(test, upload, [second]) == .invalidRequest)
            #expect(try completing(test, upload, []) == .invalidRequest)
            #expect(
                try test.failure {
                    test.store.putPart(
                        upload, number: 3, body: .bytes([1]), md5: Hash.md5([2]), completion: $0)
                } == .badDigest)
            let listed = try test.call { test.store.listParts(upload, completion: $0) }
            #expect(listed.map(\.part) == [first, second])
            try test.call { test.store.abortUpload(upload, completion: $0) }
        }
    }

    @Test(arguments: Subject.allCases)
    func aConditionHoldsWhenCompleting(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let upload = try begin(test, "k")
            let part = try put(test, upload, 1, [1])
            let other = try test.put("k", [9])
            #expect(try completing(test, upload, [part], .absent) == .preconditionFailed)
            #expect(try completing(test, upload, [part], .matches("0")) == .preconditionFailed)
            #expect(try test.get("k").flatMap(\.self) == [9])
            #expect(try completing(test, upload, [part], .matches(other.etag)) == nil)
            #expect(try test.get("k").flatMap(\.self) == [1])
        }
    }

    @Test(arguments: Subject.allCases)
    func openUploadsAreListedByKeyInPages(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let keys: [ObjectKey] = [
                "d/two words", "d/per%20cent", "d/plus+", "d/\u{1}control", "d/ü😀", "d/a&b<c>'",
                "e", "d/twice", "d/twice",
            ]
            let uploads = try keys.map { try begin(test, $0) }
            let below = uploads.filter { $0.object.key.text.hasPrefix("d/") }
            var seen: [MultipartUploadAddress] = []
            var after: OpenUpload?
            repeat {
                let page = try test.call {
                    test.store.listUploads(
                        test.bucket, prefix: "d/", after: after, limit: 3, completion: $0)
                }
                #expect(page.uploads.count <= 3)
                seen += page.uploads.map(\.upload)
                after = page.next
            } while after != nil
            #expect(seen.count == below.count)
            #expect(Set(seen) == Set(below))
            #expect(seen.map(\.object.key) == seen.map(\.object.key).sorted())
            for upload in uploads {
                try test.call { test.store.abortUpload(upload, completion: $0) }
            }
            let rest = try test.call {
                test.store.listUploads(
                    test.bucket, prefix: nil, after: nil, limit: 1000, completion: $0)
            }
            #expect(rest == UploadPage(uploads: [], next: nil))
        }
    }

    @Test(arguments: Subject.allCases)
    func aDeleteOfOneVersionLeavesAnother(subject: Subject) throws {
        try StoreUnderTest.with(subject) { test in
            let first = try test.put("k", [1])
            let second = try test.put("k", [2])
            let stale = try test.failure {
                test.store.delete(test.address("k"), matching: first.etag, completion: $0)
            }
            #expect(stale == .preconditionFailed)
            #expect(try test.get("k").flatMap(\.self) == [2])
            let done = try test.call {
                test.store.delete(test.address("k"), matching: second.etag, completion: $0)
            }
            #expect(done == .deleted)
            let again = try test.call {
                test.store.delete(test.address("k"), matching: second.etag, completion: $0)
            }
            #expect(again == .absent)
            let plain = try test.call {
                test.store.delete(test.address("k"), matching: nil, completion: $0)
            }
            #expect(plain == .deleted)
        }
    }
}
