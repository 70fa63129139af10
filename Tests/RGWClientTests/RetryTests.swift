import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization
import Testing

@Suite struct RetryTests {
    private static let broken = TransportError.broken(sent: true, "reset")

    private func put(_ store: S3ObjectStore) -> Outcome<Stored> {
        let outcome = Outcome<Stored>()
        let body = Array("hello".utf8)
        store.put(
            testAddress, body: .bytes(body), md5: Hash.md5(body), metadata: ObjectMetadata(),
            precondition: .none, completion: outcome.completion)
        return outcome
    }

    @Test(arguments: [
        Script.fails(.broken(sent: true, "")), .fails(.timedOut(sent: true, "")),
        .fails(.unreachable("")), .answer(Answers.response(500)), .answer(Answers.response(503)),
        .fails(.malformed(sent: true, "")),
    ])
    func aReadIsTriedAgain(failure: Script) {
        let count = Mutex(0)
        let world = World { _ in
            let first = count.withLock { count in
                defer { count += 1 }
                return count == 0
            }
            return first ? failure : .answer(Answers.response(200, [], Answers.headFields))
        }
        let outcome = Outcome<ObjectHead>()
        makeStore(world).head(testAddress, completion: outcome.completion)
        world.run()
        #expect(outcome.value?.etag == ETag(Answers.tag))
        #expect(world.sent.count == 2)
        #expect(outcome.count == 1)
        // Not once more over a kept connection that may be as dead.
        let isFromTransport = if case .fails = failure { true } else { false }
        #expect(world.sent.map(\.options.isFresh) == [false, isFromTransport])
    }

    @Test(arguments: [
        Script.fails(.broken(sent: true, "")), .fails(.timedOut(sent: true, "")),
        .answer(Answers.response(500)), .answer(Answers.response(502)),
        .answer(Answers.response(200)), .fails(.malformed(sent: true, "")),
        .answer(Answers.response(200, [], ["etag": "0123"])),
    ])
    func aChangeThatMayBeDoneIsUnknownAndNotRepeated(failure: Script) {
        let world = World { _ in failure }
        let outcome = put(makeStore(world))
        world.run()
        #expect(outcome.error?.kind == .unknownOutcome)
        #expect(world.sent.count == 1)
    }

    @Test(arguments: [
        Script.fails(.broken(sent: false, "")), .fails(.timedOut(sent: false, "")),
        .fails(.unreachable("")), .answer(Answers.error(503, "SlowDown")),
        .answer(Answers.error(400, "RequestTimeout")),
    ])
    func aChangeThatIsNotDoneIsTriedAgain(failure: Script) {
        let world = World { sent in
            sent.time.nanoseconds == 0
                ? failure
                : .answer(Answers.response(200, [], ["etag": Answers.tag]))
        }
        let outcome = put(makeStore(world))
        world.run()
        #expect(outcome.value?.etag == ETag(Answers.tag))
        #expect(world.sent.count == 2)
    }

    @Test(arguments: [
        ("AccessDenied", 403), ("NoSuchBucket", 404), ("QuotaExceeded", 403), ("InvalidRange", 416),
        ("PreconditionFailed", 412), ("MalformedXML", 400), ("NotImplemented", 501),
    ])
    func aDefiniteRefusalIsFinal(code: String, status: Int) {
        let world = World { _ in .answer(Answers.error(status, code)) }
        let outcome = put(makeStore(world))
        world.run()
        #expect(outcome.error?.code == code)
        #expect(outcome.error?.requestID == "tx1")
        #expect(world.sent.count == 1)
    }

    @Test func softGivesUpAfterRetransAndDelaysGrow() {
        let world = World { _ in .fails(.unreachable("refused")) }
        let outcome = put(makeStore(world) { $0.retrans = 4 })
        world.run()
        #expect(outcome.error?.kind == .unreachable)
        let times = world.sent.map(\.time)
        #expect(times.count == 5)
        let delays = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(zip(delays.dropFirst(), delays).allSatisfy { $0 > $1 })
    }

    @Test func hardGoesOnBeyondRetransWithBoundedDelays() {
        let world = World { sent in
            sent.time < Instant(nanoseconds: 3_600_000_000_000)
                ? .fails(.unreachable("down"))
                : .answer(Answers.response(200, [], ["etag": Answers.tag]))
        }
        let outcome = put(makeStore(world) { $0.recovery = .hard })
        world.run()
        #expect(outcome.value != nil)
        let times = world.sent.map(\.time)
        #expect(zip(times.dropFirst(), times).allSatisfy { $0 - $1 <= .seconds(15) })
    }

    @Test func hardDoesNotRepeatAWrongDigestForEver() {
        let world = World { _ in .answer(Answers.error(400, "BadDigest")) }
        let outcome = put(makeStore(world) { $0.recovery = .hard })
        world.run()
        #expect(outcome.error?.kind == .badDigest)
        #expect(world.sent.count == 3)
    }

    @Test func aBusyServerIsGivenTimeAndItsRetryAfterIsKept() {
        let world = World { sent in
            sent.time.nanoseconds == 0
                ? .answer(Answers.error(503, "SlowDown", ["retry-after": "20"]))
                : .answer(Answers.response(200, [], ["etag": Answers.tag]))
        }
        let outcome = put(makeStore(world))
        world.run()
        #expect(outcome.value != nil)
        #expect(world.now() >= Instant(nanoseconds: 20_000_000_000))
    }

    @Test func aSkewedClockIsCorrectedOnceFromTheServersDate() {
        let world = World { sent in
            guard sent.request.headers["x-amz-date"]?.hasPrefix("20231114T23") == true else {
                let fields = ["date": "Tue, 14 Nov 2023 23:13:20 GMT"]
                return .answer(Answers.error(403, "RequestTimeTooSkewed", fields))
            }
            return .answer(Answers.response(200, [], ["etag": Answers.tag]))
        }
        let store = makeStore(world)
        let outcome = put(store)
        world.run()
        #expect(outcome.value != nil)
        #expect(world.sent.count == 2)
        #expect(store.clockOffset == .seconds(3600))
        let second = put(store)
        world.run()
        #expect(second.value != nil)
        #expect(world.sent.count == 3)
    }

    @Test func aClockThatStaysSkewedIsAnError() {
        let world = World { _ in
            let fields = ["date": "Tue, 14 Nov 2023 23:13:20 GMT"]
            return .answer(Answers.error(403, "RequestTimeTooSkewed", fields))
        }
        let outcome = put(makeStore(world))
        world.run()
        #expect(outcome.error?.kind == .clockSkew)
        #expect(world.sent.count == 2)
    }

    @Test func newerCredentialsGetOneMoreAttempt() {
        let world = World { sent in
            sent.request.headers["authorization"]?.contains("Credential=NEW/") == true
                ? .answer(Answers.response(200, [], ["etag": Answers.tag]))
                : .answer(Answers.error(403, "InvalidAccessKeyId"))
        }
        let outcome = put(makeStore(world, credentials: RotatingCredentials()))
        world.run()
        #expect(outcome.value != nil)
        #expect(world.sent.count == 2)
    }

    /// All that were under way with the old keys go on, not only the first to be refused.
    @Test func everyRequestOfARotationGetsOneMoreAttempt() {
        let world = World { sent in
            sent.request.headers["authorization"]?.contains("Credential=NEW/") == true
                ? .answer(Answers.response(200, [], ["etag": Answers.tag]))
                : .answer(Answers.error(403, "AccessDenied"))
        }
        let store = makeStore(world, credentials: RotatingCredentials())
        let outcomes = (0..<8).map { _ in put(store) }
        world.run()
        #expect(outcomes.allSatisfy { $0.value != nil })
        #expect(world.sent.count == 16)
    }

    @Test func cancellingBetweenAttemptsEndsTheCallOnce() {
        let world = World { _ in .fails(.unreachable("down")) }
        let outcome = Outcome<ObjectHead>()
        let call = makeStore(world) { $0.recovery = .hard }
            .head(testAddress, completion: outcome.completion)
        world.schedule(at: Instant(nanoseconds: 60_000_000_000)) { call.cancel() }
        world.run()
        #expect(outcome.error?.kind == .cancelled)
        #expect(outcome.count == 1)
    }

    @Test func cancellingASentChangeIsUnknown() {
        let world = World { _ in .silence }
        let outcome = Outcome<Void>()
        let call = makeStore(world).delete(testAddress, completion: outcome.completion)
        world.schedule(at: Instant(nanoseconds: 1)) { call.cancel() }
        world.run()
        #expect(outcome.error?.kind == .unknownOutcome)
        #expect(outcome.count == 1)
    }

    @Test func aRequestThatCannotBeMadeFailsAfterTheCall() {
        let world = World { _ in .silence }
        let outcome = Outcome<Stored>()
        makeStore(world).put(
            testAddress, body: .bytes([]), md5: Hash.md5([]),
            metadata: ObjectMetadata(user: ["x": "a\nb"]), precondition: .none,
            completion: outcome.completion)
        #expect(outcome.count == 0)
        world.run()
        #expect(outcome.error?.kind == .invalidRequest)
        #expect(world.sent.isEmpty)
    }
}

/// Old until refreshed.
private final class RotatingCredentials: CredentialsProvider {
    private let new = Mutex(false)
    func current() -> Credentials {
        .keys(accessKey: new.withLock { $0 } ? "NEW" : "OLD", secret: Secret("s"))
    }
    /// The source has been read again once; who was refused before that is told so too.
    func refresh(refused: Credentials) -> Bool {
        new.withLock { $0 = true }
        return refused != current()
    }
}
