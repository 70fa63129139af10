import RGWObject
import RGWTestKit
import Synchronization
import Testing

/// A listing costs one request a page, and every key comes once, in order, whatever happens to
/// other keys meanwhile.
@Suite struct PaginationTests {
    private let world = VirtualWorld()
    private let bucket: BucketName = "b"

    private func page(
        _ store: StrictObjectStore, after: ObjectKey?, limit: Int
    ) throws -> ListPage {
        let box = Mutex<Result<ListPage, ObjectStoreError>?>(nil)
        _ = store.list(bucket, prefix: "p/", delimited: false, after: after, limit: limit) {
            result in
            box.withLock { $0 = result }
        }
        world.run()
        return try #require(box.withLock { $0 }).get()
    }

    private func key(_ number: Int) throws -> ObjectKey {
        let digits = "\(number)"
        return try ObjectKey("p/" + String(repeating: "0", count: 6 - digits.utf8.count) + digits)
    }

    @Test(arguments: [(1000, 100), (2000, 100), (4000, 100), (4001, 100), (1000, 1000)])
    func requestsAreAsManyAsPages(keys: Int, limit: Int) throws {
        let store = StrictObjectStore(buckets: [bucket], queue: world, clock: world)
        for number in 0..<keys { store.plant(bucket, try key(number), []) }
        var listed: [ObjectKey] = []
        var after: ObjectKey?
        repeat {
            let page = try page(store, after: after, limit: limit)
            #expect(page.objects.count <= limit)
            listed += page.objects.map(\.key)
            after = page.next
            // Other keys come behind the reader.
            store.plant(bucket, try ObjectKey("p/!\(listed.count)"), [])
        } while after != nil
        #expect(try listed == (0..<keys).map(key))
        #expect(store.requests.count { $0.method == "LIST" } == (keys + limit - 1) / limit)
    }
}
