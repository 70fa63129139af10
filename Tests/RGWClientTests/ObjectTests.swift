import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization
import Testing

@Suite struct ObjectTests {
    private static let body = (0..<100).map { UInt8($0) }

    private func get(
        _ store: S3ObjectStore, range: Range<UInt64>? = nil, matching: ETag? = nil
    ) -> (Outcome<ObjectHead>, Blocks) {
        let outcome = Outcome<ObjectHead>()
        let blocks = Blocks()
        store.get(
            testAddress, range: range, matching: matching, lane: .bulk, blockSize: 8,
            onBlock: { blocks.append($0) }, completion: outcome.completion)
        return (outcome, blocks)
    }

    // MARK: Storage class

    /// A server that has the class `STANDARD` alone.
    private static func refusesClasses(_ sent: SentRequest) -> Script {
        sent.request.headers["x-amz-storage-class"] == nil
            ? .answer(
                Answers.response(200, [], ["etag": "d41d8cd98f00b204e9800998ecf8427e"]))
            : .answer(Answers.error(400, "InvalidArgument"))
    }

    @Test func aClassThatTheBucketDoesNotHaveIsLeftOutOnce() {
        let world = World { Self.refusesClasses($0) }
        var metadata = ObjectMetadata()
        metadata.storage.storageClass = "GONE"
        metadata.storage.encryption = "AES256"
        let outcome = Outcome<Stored>()
        makeStore(world).put(
            testAddress, body: .bytes([]), md5: Hash.md5([]), metadata: metadata,
            precondition: .none, completion: outcome.completion)
        world.run()
        #expect(outcome.value != nil)
        #expect(world.sent.count == 2)
        #expect(world.sent[1].request.headers["x-amz-server-side-encryption"] == "AES256")
    }

    @Test func anotherRefusalOfThatKindStays() {
        let world = World { _ in .answer(Answers.error(400, "InvalidArgument")) }
        var metadata = ObjectMetadata()
        metadata.storage.storageClass = "COLD"
        let outcome = Outcome<Stored>()
        makeStore(world).copy(
            from: testAddress, to: testAddress, metadata: metadata, sourceMatching: nil,
            completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .invalidRequest)
        #expect(world.sent.count == 2)
    }

    // MARK: Large objects

    private static func large(_ tag: String) -> Script {
        let fields = ["etag": tag, "content-range": "bytes 0-14/100", "x-object-manifest": "b/p/"]
        return .answer(
            Answers.response(
                206, [10, 11, 12, 13, 14], Answers.headFields.merging(fields) { $1 }))
    }

    @Test func aPartOfALargeObjectArrives() {
        let world = World { _ in Self.large("segments") }
        let (outcome, blocks) = get(
            makeStore(world), range: 10..<15, matching: ETag(ofSegments: "segments"))
        world.run()
        #expect(blocks.bytes == [10, 11, 12, 13, 14])
        #expect(outcome.value?.etag == ETag(ofSegments: "segments"))
    }

    @Test func otherSegmentsAreAnotherVersionAndNoByteOfThemArrives() {
        let world = World { _ in Self.large("others") }
        let (outcome, blocks) = get(
            makeStore(world), range: 10..<15, matching: ETag(ofSegments: "segments"))
        world.run()
        #expect(outcome.error?.kind == .preconditionFailed)
        #expect(blocks.bytes.isEmpty)
        #expect(world.sent.count == 1)
    }

    // MARK: HEAD

    @Test func aBodilessRefusalOfHeadIsResolvedByTheFirstByte() {
        let world = World { sent in
            sent.request.method == .head
                ? .answer(Answers.response(403)) : .answer(Answers.error(403, "UserSuspended"))
        }
        let outcome = Outcome<ObjectHead>()
        makeStore(world).head(testAddress, completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .badCredentials)
        #expect(world.sent.map(\.line) == ["HEAD /b/k", "GET /b/k"])
        #expect(world.sent[1].request.headers["range"] == "bytes=0-0")
    }

    @Test func aDefinite404OfHeadCostsOneRequest() {
        let world = World { _ in .answer(Answers.response(404)) }
        let outcome = Outcome<ObjectHead>()
        makeStore(world).head(testAddress, completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .noSuchKey)
        #expect(world.sent.count == 1)
    }

    @Test func a404OfAnotherServerIsNotANoSuchKey() {
        let world = World { _ in .answer(HTTPResponse(status: 404)) }
        let outcome = Outcome<ObjectHead>()
        makeStore(world).head(testAddress, completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .malformedAnswer)
    }

    // MARK: GET

    @Test(arguments: [nil, 0..<100, 10..<20, 10..<1000, 99..<100] as [Range<UInt64>?])
    func theAskedBytesArriveInBlocks(range: Range<UInt64>?) {
        let world = World { .answer(Answers.object(Self.body, for: $0.request)) }
        let (outcome, blocks) = get(makeStore(world), range: range)
        world.run()
        let expected = Self.body[
            Int(range?.lowerBound ?? 0)..<min(100, Int(range?.upperBound ?? 100))]
        #expect(blocks.bytes == Array(expected))
        #expect(blocks.sizes.dropLast().allSatisfy { $0 == 8 })
        #expect(outcome.value?.size == 100)
    }

    @Test(arguments: 0..<100)
    func aBrokenBodyGoesOnWhereItStopped(cut: Int) {
        let world = World { sent in
            let answer = Answers.object(Self.body, for: sent.request)
            return sent.time.nanoseconds == 0
                ? .breaks(answer, after: cut, .broken(sent: true, "reset")) : .answer(answer)
        }
        let (outcome, blocks) = get(makeStore(world))
        world.run()
        #expect(blocks.bytes == Self.body)
        #expect(outcome.value != nil)
        #expect(world.sent.count == 2)
        let resumed = cut / 8 * 8
        if resumed > 0 {
            #expect(world.sent[1].request.headers["range"] == "bytes=\(resumed)-99")
            #expect(world.sent[1].request.headers["if-match"] == Answers.tag)
        }
    }

    @Test func progressRenewsTheRetries() {
        let world = World { sent in
            let answer = Answers.object(Self.body, for: sent.request)
            return .breaks(answer, after: 8, .broken(sent: true, "reset"))
        }
        let (outcome, blocks) = get(makeStore(world) { $0.retrans = 1 })
        world.run()
        #expect(blocks.bytes == Array(Self.body.prefix(96)))
        #expect(outcome.error?.kind == .unreachable)
    }

    @Test func anObjectThatChangedMidwayIsNeverMixed() {
        let world = World { sent in
            let answer = Answers.object(Self.body, for: sent.request)
            return sent.time.nanoseconds == 0
                ? .breaks(answer, after: 50, .broken(sent: true, "reset"))
                : .answer(Answers.error(412, "PreconditionFailed"))
        }
        let (outcome, blocks) = get(makeStore(world))
        world.run()
        #expect(outcome.error?.kind == .preconditionFailed)
        #expect(blocks.bytes == Array(Self.body.prefix(48)))
    }

    /// The server answers a range with everything, or a resumed GET with another object's tag.
    @Test(arguments: [true, false])
    func anAnswerToAnotherQuestionDeliversNothing(wholeInstead: Bool) {
        let world = World { sent in
            var request = sent.request
            if sent.time.nanoseconds == 0 {
                let answer = Answers.object(Self.body, for: request)
                return .breaks(answer, after: 50, .broken(sent: true, "reset"))
            }
            if wholeInstead { request.headers["range"] = nil }
            var answer = Answers.object(Self.body, for: request)
            if !wholeInstead { answer.headers["etag"] = "\"other\"" }
            return .answer(answer)
        }
        let (outcome, blocks) = get(makeStore(world))
        world.run()
        #expect(outcome.error?.kind == (wholeInstead ? .malformedAnswer : .preconditionFailed))
        #expect(blocks.bytes == Array(Self.body.prefix(48)))
    }

    /// A success that is a part of what was asked for would end a file early.
    @Test(arguments: [nil, 3..<20, 3..<1000] as [Range<UInt64>?])
    func aPartOfTheRangeIsNotTheRange(range: Range<UInt64>?) {
        let world = World { sent in
            var request = sent.request
            request.headers["range"] = range == nil ? "bytes=0-11" : "bytes=3-11"
            return .answer(Answers.object(Self.body, for: request))
        }
        let (outcome, blocks) = get(makeStore(world), range: range)
        world.run()
        #expect(outcome.error?.kind == .malformedAnswer)
        #expect(blocks.sizes.isEmpty)
    }

    @Test func anEmptyObjectHasNoBlocks() {
        let world = World { _ in .answer(Answers.response(200, [], Answers.headFields)) }
        let (outcome, blocks) = get(makeStore(world))
        world.run()
        #expect(outcome.value?.size == 0)
        #expect(blocks.sizes.isEmpty)
    }

    // MARK: PUT

    private func conditionalPut(_ store: S3ObjectStore, _ world: World) -> Outcome<Stored> {
        let outcome = Outcome<Stored>()
        let body = Array("hello".utf8)
        store.put(
            testAddress, body: .bytes(body), md5: Hash.md5(body), metadata: ObjectMetadata(),
            precondition: .matches("abc"), completion: outcome.completion)
        world.run()
        return outcome
    }

    @Test(arguments: ["abc", "\"abc\""])
    func theFormOfIfMatchIsFoundAndRemembered(understood: String) {
        let world = World { sent in
            if sent.request.method == .head { return .answer(Self.abc) }
            return sent.request.headers["if-match"] == understood
                ? .answer(Answers.response(200, [], ["etag": Answers.tag]))
                : .answer(Answers.error(412, "PreconditionFailed"))
        }
        let store = makeStore(world)
        #expect(conditionalPut(store, world).value != nil)
        let first = world.sent.count
        #expect(conditionalPut(store, world).value != nil)
        #expect(world.sent.count == first + 1)
    }

    /// HEAD of an object that has the tag which `conditionalPut` names.
    private static let abc = Answers.response(
        200, [], ["etag": "\"abc\"", "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT"])

    @Test func aChangedObjectFailsAfterOneLook() {
        let world = World { sent in
            sent.request.method == .head
                ? .answer(Answers.response(200, [], Answers.headFields))
                : .answer(Answers.error(412, "PreconditionFailed"))
        }
        let outcome = conditionalPut(makeStore(world), world)
        #expect(outcome.error?.kind == .preconditionFailed)
        #expect(world.sent.map(\.line) == ["PUT /b/k", "HEAD /b/k"])
    }

    @Test func aBulkBodyNeverTakesTheMetadataLane() {
        let world = World { _ in .answer(Answers.response(200, [], Answers.headFields)) }
        let store = makeStore(world)
        _ = conditionalPut(store, world)
        store.head(testAddress, completion: { _ in })
        world.run()
        #expect(world.sent.map(\.options.lane) == [.bulk, .metadata])
        #expect(world.sent.map(\.options.isIdempotent) == [false, true])
    }

    // MARK: Buckets

    @Test(arguments: [
        ("s3.example.org", "s3.example.org", true), ("b.s3.example.org", "b", false),
        ("x.s3.example.org", "x", true), ("rgw", "rgw", true), ("s3.example.org", "b", false),
        ("10.0.0.1", "b", false), ("::1", "b", false),
    ])
    func aHostNameThatWasTakenForTheBucketIsNamed(host: String, looked: String, hints: Bool) {
        let xml = "<Error><Code>NoSuchBucket</Code><BucketName>\(looked)</BucketName></Error>"
        let world = World { sent in
            let body = sent.request.method == .head ? [] : Array(xml.utf8)
            return .answer(Answers.response(404, body))
        }
        let store = makeStore(world) { $0.endpoint = Endpoint(scheme: .http, host: host) }
        let outcome = Outcome<BucketUsage>()
        store.headBucket("b", completion: outcome.completion)
        let listing = Outcome<ListPage>()
        store.list(
            "b", prefix: "k", delimited: true, after: nil, limit: 1, completion: listing.completion)
        world.run()
        for error in [outcome.error, listing.error] {
            #expect(error?.kind == .noSuchBucket)
            #expect((error?.message?.contains(host) == true) == hints)
        }
    }

    // MARK: Signed payloads

    @Test(arguments: [true, false])
    func aBodyIsHashedForItsSignatureWhenAsked(signs: Bool) {
        let world = World { sent in
            let md5 = Hash.md5(Array("abc".utf8))
            return .answer(
                Answers.response(200, [], ["etag": "\"\(Hexadecimal.encode(md5))\""]))
        }
        let store = makeStore(world) { $0.signsPayload = signs }
        let bytes = Array("abc".utf8)
        for body in [ObjectBody.bytes(bytes), .file(BytesFile(bytes), offset: 0, length: 3)] {
            store.put(
                testAddress, body: body, md5: Hash.md5(bytes), metadata: ObjectMetadata(),
                precondition: .none, completion: { _ in })
        }
        store.head(testAddress, completion: { _ in })
        world.run()
        let hashes = world.sent.prefix(3).map { $0.request.headers["x-amz-content-sha256"] }
        let abc = Hexadecimal.encode(Hash.sha256(bytes))
        let empty = Hexadecimal.encode(Hash.sha256([]))
        let unsigned = "UNSIGNED-PAYLOAD"
        #expect(hashes == (signs ? [abc, abc, empty] : [unsigned, unsigned, unsigned]))
    }

    @Test func aBodyThatCannotBeReadForItsSignatureIsNotSent() {
        let world = World { _ in .silence }
        let store = makeStore(world) { $0.signsPayload = true }
        let outcome = Outcome<Stored>()
        store.put(
            testAddress, body: .file(BytesFile([1]), offset: 0, length: 2), md5: Hash.md5([1]),
            metadata: ObjectMetadata(), precondition: .none, completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .bodyUnreadable)
        #expect(world.sent.isEmpty)
    }

    // MARK: Who asks

    @Test func anonymousRequestsAreNotSigned() {
        let world = World { _ in .answer(Answers.response(404)) }
        makeStore(world, credentials: FixedCredentials(.anonymous))
            .head(testAddress, completion: { _ in })
        world.run()
        #expect(world.sent[0].request.headers["authorization"] == nil)
        #expect(world.sent[0].request.headers["x-amz-date"] == nil)
    }

    @Test func signatureVersion2IsUsedWhenAsked() {
        let world = World { _ in .answer(Answers.response(404)) }
        makeStore(world) { $0.signatureVersion = .v2 }.head(testAddress, completion: { _ in })
        world.run()
        #expect(world.sent[0].request.headers["authorization"]?.hasPrefix("AWS AK:") == true)
    }
}

/// Collects delivered blocks.
final class Blocks: Sendable {
    private let all = Mutex<[[UInt8]]>([])
    func append(_ block: [UInt8]) { all.withLock { $0.append(block) } }
    var bytes: [UInt8] { all.withLock { Array($0.joined()) } }
    var sizes: [Int] { all.withLock { $0.map(\.count) } }
}

/// A body as if from a file.
final class BytesFile: BodyFile {
    let descriptor: Int32 = -1
    private let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    func contents(at offset: UInt64, count: Int) -> [UInt8]? {
        Array(bytes.dropFirst(Int(offset)).prefix(count))
    }
}
