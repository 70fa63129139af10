import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization
import Testing

/// Who asks hears how far a request is and what it has failed with, while it is still tried.
@Suite struct RequestProgressTests {
    private static let second = Instant(nanoseconds: 1_000_000_000)

    private func put(_ world: World, _ progress: RequestProgress) -> Outcome<Stored> {
        let outcome = Outcome<Stored>()
        let body = Array("hello".utf8)
        makeStore(world).watched(by: progress).put(
            testAddress, body: .bytes(body), md5: Hash.md5(body), metadata: ObjectMetadata(),
            precondition: .none, completion: outcome.completion)
        return outcome
    }

    @Test func bytesAreCountedAndThoseOfAFailedAttemptAreNot() {
        let progress = RequestProgress(started: Instant(nanoseconds: 0))
        let seen = Mutex<[UInt64]>([])
        let world = World { sent in
            sent.options.progress?.noteSent(5, now: Self.second)
            let isFirst = seen.withLock { seen in
                seen.append(progress.bytesSent)
                return seen.count == 1
            }
            if isFirst { return .fails(.unreachable("refused")) }
            return .answer(Answers.response(200, [], Answers.headFields))
        }
        _ = put(world, progress)
        world.run()
        #expect(seen.withLock { $0 } == [5, 5])
        #expect(progress.failures == 1)
        #expect(progress.lastFailure?.kind == .unreachable)
    }

    @Test func whatIsSentAgainIsNoMovement() {
        let progress = RequestProgress(started: Instant(nanoseconds: 0))
        let body = BodyProgress(progress)
        body.noteSent(5, now: Self.second)
        body.noteFailure(ObjectStoreError(.timedOut, operation: "PUT b/k"))
        #expect(progress.bytesSent == 0)
        body.noteSent(5, now: Self.second + .seconds(1))
        #expect((progress.bytesSent, progress.movedAt) == (5, Self.second))
        body.noteSent(1, now: Self.second + .seconds(2))
        #expect((progress.bytesSent, progress.movedAt) == (6, Self.second + .seconds(2)))
    }

    @Test func aServerThatNeverAnswersIsToldWhileItIsTried() {
        let progress = RequestProgress(started: Instant(nanoseconds: 0))
        let world = World { _ in .fails(.timedOut(sent: false, "no byte")) }
        let outcome = put(world, progress)
        world.run()
        #expect(progress.failures == world.sent.count)
        #expect(progress.failures > 1)
        #expect(outcome.error?.kind == .timedOut)
    }

    @Test func whatTheServerSaysOfTheObjectIsNoFailure() {
        let progress = RequestProgress(started: Instant(nanoseconds: 0))
        let world = World { _ in .answer(Answers.response(404)) }
        let outcome = Outcome<ObjectHead>()
        makeStore(world).watched(by: progress).head(testAddress, completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .noSuchKey)
        #expect(progress.failures == 0)
    }

    @Test func partsAreCounted() {
        let progress = RequestProgress(started: Self.second)
        #expect(progress.parts == nil)
        progress.begin(parts: 3)
        progress.notePart(bytes: 10)
        progress.notePart()
        #expect(progress.parts.map { [$0.done, $0.all] } == [2, 3])
        #expect(progress.bytesSent == 10)
    }
}
