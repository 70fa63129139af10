import RGWBase
import RGWCrypto
import RGWObject
import RGWTestKit
import Synchronization
import Testing

/// The kit's uploads in parts and conditional deletes refuse more than RGW does.
@Suite struct StrictUploadTests {
    let world = VirtualWorld()
    let store: StrictObjectStore
    let address = ObjectAddress(bucket: "b", key: "k")

    init() {
        store = StrictObjectStore(buckets: ["b"], queue: world, clock: world)
        store.setPartSizeMin(4)
    }

    private func answer<Answer: Sendable>(
        _ call: (@escaping Completion<Answer>) -> any Cancellable
    ) throws -> Answer {
        let box = Mutex<Result<Answer, ObjectStoreError>?>(nil)
        _ = call { result in box.withLock { $0 = result } }
        world.run()
        return try #require(box.withLock { $0 }).get()
    }

    private func kind<Answer: Sendable>(
        _ call: (@escaping Completion<Answer>) -> any Cancellable
    ) -> ObjectStoreError.Kind? {
        do {
            _ = try answer(call)
            return nil
        } catch { return (error as? ObjectStoreError)?.kind }
    }

    private func begin() throws -> MultipartUploadAddress {
        let id = try answer {
            store.createUpload(
                address, metadata: ObjectMetadata(user: ["mode": "1"]), completion: $0)
        }
        return MultipartUploadAddress(object: address, id: id)
    }

    private func put(
        _ upload: MultipartUploadAddress, _ number: Int, _ text: String
    ) throws -> UploadedPart {
        let bytes = Array(text.utf8)
        return try answer {
            store.putPart(
                upload, number: number, body: .bytes(bytes), md5: Hash.md5(bytes), completion: $0)
        }
    }

    private func completing(
        _ upload: MultipartUploadAddress, _ parts: [UploadedPart],
        _ precondition: Precondition = .none
    ) -> ObjectStoreError.Kind? {
        kind {
            store.completeUpload(upload, parts: parts, precondition: precondition, completion: $0)
        }
    }

    @Test func partsInOrderMakeTheObjectAndCompletingAgainSucceeds() throws {
        let upload = try begin()
        let second = try put(upload, 2, "two")
        let first = try put(upload, 1, "one!")
        #expect(
            try answer { store.listParts(upload, completion: $0) }.map(\.part) == [first, second])
        #expect(store.keys("b").isEmpty)
        #expect(completing(upload, [first, second], .absent) == nil)
        #expect(store.object("b", "k")?.bytes == Array("one!two".utf8))
        #expect(store.object("b", "k")?.head.metadata.user == ["mode": "1"])
        #expect(store.openUploads.isEmpty)
        #expect(completing(upload, [first, second], .absent) == nil)
        #expect(kind { store.listParts(upload, completion: $0) } == .noSuchUpload)
    }

    @Test func partsOutOfOrderMissingUnnamedChangedOrShortAreRefused() throws {
        let upload = try begin()
        let first = try put(upload, 1, "one!")
        let second = try put(upload, 2, "two!")
        let third = try put(upload, 3, "3")
        let wrong = UploadedPart(number: 2, etag: first.etag)
        for parts in [
            [], [second, first, third], [first, third], [first, second], [first, wrong, third],
            [first, first, second, third],
        ] { #expect(completing(upload, parts) == .invalidRequest) }
        let short = try put(upload, 2, "2")
        #expect(completing(upload, [first, short, third]) == .invalidRequest)
        #expect(store.keys("b").isEmpty)
        #expect(store.openUploads.map(\.parts.count) == [3])
    }

    @Test func aPartWithAWrongDigestOrNumberIsNotKept() throws {
        let upload = try begin()
        for (number, md5, expected) in [
            (1, Hash.md5([1]), ObjectStoreError.Kind.badDigest), (0, Hash.md5([]), .invalidRequest),
            (10_001, Hash.md5([]), .invalidRequest),
        ] {
            let refused = kind {
                store.putPart(
                    upload, number: number, body: .bytes([]), md5: md5, completion: $0)
            }
            #expect(refused == expected)
        }
        #expect(try answer { store.listParts(upload, completion: $0) }.isEmpty)
    }

    @Test func aConditionIsCheckedWhenCompleting() throws {
        let upload = try begin()
        let part = try put(upload, 1, "x")
        store.plant("b", "k", [9])
        #expect(completing(upload, [part], .absent) == .preconditionFailed)
        #expect(completing(upload, [part], .matches("other")) == .preconditionFailed)
        let tag = try #require(store.object("b", "k")?.head.etag)
        #expect(completing(upload, [part], .matches(tag)) == nil)
    }

    @Test func abortingFreesTheParts() throws {
        let upload = try begin()
        _ = try put(upload, 1, "x")
        #expect(store.openUploads.count == 1)
        for _ in 0..<2 {
            #expect(kind { store.abortUpload(upload, completion: $0) } == nil)
            #expect(store.openUploads.isEmpty)
        }
        #expect(completing(upload, []) == .invalidRequest || store.keys("b").isEmpty)
    }

    @Test func openUploadsAreListedInPages() throws {
        let all = try (0..<5).map { _ in try begin() }
        var seen: [MultipartUploadAddress] = []
        var after: OpenUpload?
        repeat {
            let page = try answer {
                store.listUploads("b", prefix: "k", after: after, limit: 2, completion: $0)
            }
            seen += page.uploads.map(\.upload)
            after = page.next
        } while after != nil
        #expect(Set(seen) == Set(all) && seen.count == all.count)
        let others = try answer {
            store.listUploads("b", prefix: "l", after: nil, limit: 2, completion: $0)
        }
        #expect(others == UploadPage(uploads: [], next: nil))
    }

    @Test(arguments: [true, false])
    func aDeleteOfOneVersionLeavesAnother(atomic: Bool) throws {
        store.setConditionalDeletes(atomic)
        store.plant("b", "k", [1])
        let tag = try #require(store.object("b", "k")?.head.etag)
        store.plant("b", "k", [2])
        #expect(
            kind { store.delete(address, matching: tag, completion: $0) } == .preconditionFailed)
        #expect(store.object("b", "k")?.bytes == [2])
        let current = store.object("b", "k")?.head.etag
        #expect(
            try answer { store.delete(address, matching: current, completion: $0) } == .deleted)
        #expect(
            try answer { store.delete(address, matching: current, completion: $0) } == .absent)
        #expect(store.requests.map(\.method).contains("HEAD") == !atomic)
    }
}
