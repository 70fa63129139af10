import RGWBase
import RGWCrypto
import RGWObject
import RGWTestKit
import Synchronization
import Testing

/// The kit obeys its own rules: a store that forgives would let wrong code pass.
@Suite struct StrictObjectStoreTests {
    let world = VirtualWorld()
    let bucket: BucketName = "b"
    let address = ObjectAddress(bucket: "b", key: "k")

    private func answer<Answer: Sendable>(
        _ call: (@escaping Completion<Answer>) -> Void
    ) throws -> Answer {
        let box = Mutex<Result<Answer, ObjectStoreError>?>(nil)
        call { result in box.withLock { $0 = result } }
        #expect(box.withLock { $0 == nil }, "no answer inside the call")
        world.run()
        return try #require(box.withLock { $0 }).get()
    }

    private func put(
        _ store: StrictObjectStore, _ text: String, md5: [UInt8]? = nil,
        _ precondition: Precondition = .none
    ) throws -> Stored {
        try answer { done in
            let bytes = Array(text.utf8)
            _ = store.put(
                address, body: .bytes(bytes), md5: md5 ?? Hash.md5(bytes),
                metadata: ObjectMetadata(), precondition: precondition, completion: done)
        }
    }

    private func kind(_ body: () throws -> Void) -> ObjectStoreError.Kind? {
        do {
            try body()
            return nil
        } catch { return (error as? ObjectStoreError)?.kind }
    }

    private func store() -> StrictObjectStore {
        StrictObjectStore(buckets: [bucket], queue: world, clock: world)
    }

    @Test func aWrongDigestIsRefused() {
        let store = store()
        #expect(kind { _ = try put(store, "x", md5: Hash.md5(Array("y".utf8))) } == .badDigest)
        #expect(store.keys(bucket).isEmpty)
    }

    @Test func preconditionsAreEnforced() throws {
        let store = store()
        let first = try put(store, "1", .absent)
        #expect(kind { _ = try put(store, "2", .absent) } == .preconditionFailed)
        _ = try put(store, "2", .matches(first.etag))
        #expect(kind { _ = try put(store, "3", .matches(first.etag)) } == .preconditionFailed)
    }

    @Test func twoChangesOfOneKeyAtOnceAreNoted() {
        let store = store()
        _ = store.delete(address) { _ in }
        _ = store.delete(address) { _ in }
        #expect(store.violations.count == 1)
        world.run()
    }

    @Test func aLostAnswerHasTakenEffectAndALostRequestHasNot() {
        let store = store()
        store.setFault { _ in .loseRequest }
        #expect(kind { _ = try put(store, "1") } == .unknownOutcome)
        #expect(store.keys(bucket).isEmpty)
        store.setFault { _ in .loseAnswer }
        #expect(kind { _ = try put(store, "1") } == .unknownOutcome)
        #expect(store.keys(bucket) == ["k"])
    }

    @Test func listingsArePagedAndGrouped() throws {
        let store = store()
        for key in ["a", "d/1", "d/2", "e-", "e/1", "f"] {
            store.plant(bucket, try ObjectKey(key), [1])
        }
        var objects: [String] = []
        var prefixes: [String] = []
        var after: ObjectKey?
        repeat {
            let page: ListPage = try answer { done in
                _ = store.list(
                    bucket, prefix: nil, delimited: true, after: after, limit: 2, completion: done)
            }
            #expect(page.objects.count + page.commonPrefixes.count <= 2)
            objects += page.objects.map(\.key.text)
            prefixes += page.commonPrefixes.map(\.text)
            after = page.next
        } while after != nil
        #expect(objects == ["a", "e-", "f"])
        #expect(prefixes == ["d/", "e/"])
    }

    @Test func timersFireInOrderAndOnlyWhenTimeMoves() {
        let fired = Mutex<[Int]>([])
        let start = world.now()
        world.schedule(at: start + .seconds(2)) { fired.withLock { $0.append(2) } }
        world.schedule(at: start + .seconds(1)) { fired.withLock { $0.append(1) } }
        world.run()
        #expect(fired.withLock { $0 }.isEmpty)
        world.advance(by: .seconds(3))
        #expect(fired.withLock { $0 } == [1, 2])
    }
}
