import RGWBase
import RGWClient
import RGWObject
import RGWWire
import Synchronization
import Testing

/// Many keys at once, and when DeleteObjects must not be used for it.
@Suite struct DeleteObjectsTests {
    private static let deleted = Answers.response(
        200, Array("<DeleteResult></DeleteResult>".utf8))

    private static func notification(_ events: String...) -> HTTPResponse {
        let inner = events.map { "<Event>\($0)</Event>" }.joined()
        let xml =
            "<NotificationConfiguration><TopicConfiguration><Id>n</Id><Topic>t</Topic>\(inner)"
            + "</TopicConfiguration></NotificationConfiguration>"
        return Answers.response(200, Array(xml.utf8))
    }

    private func world(_ notification: HTTPResponse) -> World {
        World { sent in
            if sent.isNotification { return .answer(notification) }
            return .answer(
                sent.request.method == .post ? Self.deleted : Answers.response(204))
        }
    }

    @Test func keysThatXMLCannotCarryAreDeletedOneByOne() {
        let world = World { sent in
            if sent.isNotification { return .answer(Answers.noNotification) }
            return .answer(
                sent.request.method == .post ? Self.deleted : Answers.error(403, "AccessDenied"))
        }
        let outcome = Outcome<[DeleteFailure]>()
        makeStore(world).delete(["a", "\u{1}", "b"], in: "b", completion: outcome.completion)
        world.run()
        #expect(
            world.sent.map(\.line).sorted() == [
                "DELETE /b/%01", "GET /b?notification", "POST /b?delete",
            ])
        #expect(outcome.value?.map(\.key) == ["\u{1}"])
        #expect(outcome.count == 1)
    }

    /// Rule: DeleteObjects crashes radosgw 16 where a topic is told of removals.
    @Test(arguments: [
        (notification("s3:ObjectRemoved:*"), false),
        (notification("s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"), false),
        (notification(), false), (notification("s3:ObjectCreated:*"), true),
        (Answers.noNotification, true), (Answers.error(403, "AccessDenied"), false),
        (Answers.error(501, "NotImplemented"), false), (Answers.response(200), false),
        (Answers.error(503, "SlowDown"), false),
    ])
    func deleteObjectsIsUsedOnlyWhereNobodyIsToldOfRemovals(
        notification: HTTPResponse, together: Bool
    ) {
        let world = world(notification)
        let store = makeStore(world)
        let outcome = Outcome<[DeleteFailure]>()
        store.delete(["a", "b"], in: "b", completion: outcome.completion)
        world.run()
        #expect(outcome.value == [])
        #expect(world.sent.contains { $0.request.method == .post } == together)
        #expect(world.sent.count { $0.request.method == .delete } == (together ? 0 : 2))
    }

    @Test func theBucketIsAskedOnceAndAgainAfterFiveMinutes() {
        let world = world(Answers.noNotification)
        let store = makeStore(world)
        let outcome = Outcome<[DeleteFailure]>()
        for _ in 0..<3 {
            store.delete(["a", "b"], in: "b", completion: outcome.completion)
        }
        world.schedule(at: Instant(nanoseconds: 299_000_000_000)) {
            store.delete(["a", "b"], in: "b", completion: outcome.completion)
        }
        world.run()
        #expect(outcome.count == 4)
        #expect(world.sent.count(where: \.isNotification) == 1)
        world.schedule(at: Instant(nanoseconds: 301_000_000_000)) {
            store.delete(["a", "b"], in: "b", completion: outcome.completion)
        }
        world.run()
        #expect(world.sent.count(where: \.isNotification) == 2)
    }

    @Test func aServerThatIsAwayIsAskedAgain() {
        let away = Mutex(true)
        let world = World { sent in
            guard away.withLock({ $0 }) else { return .answer(Answers.noNotification) }
            return .fails(.unreachable("down"))
        }
        let store = makeStore(world)
        store.delete(["a", "b"], in: "b", completion: { _ in })
        world.run()
        away.withLock { $0 = false }
        let asked = world.sent.count(where: \.isNotification)
        store.delete(["a", "b"], in: "b", completion: { _ in })
        world.run()
        #expect(world.sent.count(where: \.isNotification) == asked + 1)
        #expect(world.sent.contains { $0.request.method == .post })
    }

    @Test func oneKeyIsOneDelete() {
        let world = world(Answers.noNotification)
        makeStore(world).delete(["a"], in: "b", completion: { _ in })
        world.run()
        #expect(world.sent.map(\.line) == ["DELETE /b/a"])
    }

    @Test func deletesOfABatchLeaveConnectionsToOthers() throws {
        let held = Mutex(0)
        let world = World { sent in
            if sent.isNotification { return .answer(Self.notification("s3:ObjectRemoved:*")) }
            held.withLock { $0 += 1 }
            return .silence
        }
        let keys = try (0..<100).map { try ObjectKey("k\($0)") }
        let outcome = Outcome<[DeleteFailure]>()
        let call = makeStore(world).delete(keys, in: "b", completion: outcome.completion)
        world.run()
        #expect(held.withLock { $0 } == 16)
        call.cancel()
        world.run()
        #expect(outcome.count == 1)
        #expect(outcome.value?.count == 100)
        #expect(outcome.value?.count { $0.error.kind == .cancelled } == 84)
    }

    @Test func moreThanAThousandKeysAreRefused() throws {
        let world = World { _ in .silence }
        let keys = try (0...1000).map { try ObjectKey("k\($0)") }
        let outcome = Outcome<[DeleteFailure]>()
        makeStore(world).delete(keys, in: "b", completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .invalidRequest)
        #expect(world.sent.isEmpty)
    }

    @Test func noKeysNeedNoRequest() {
        let world = World { _ in .silence }
        let outcome = Outcome<[DeleteFailure]>()
        makeStore(world).delete([], in: "b", completion: outcome.completion)
        world.run()
        #expect(outcome.value == [])
        #expect(world.sent.isEmpty)
    }
}
