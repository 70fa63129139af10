import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization
import Testing

@Suite struct MultipartTests {
    private static let part = 5 << 20
    private static let body = [UInt8](repeating: 7, count: 2 * part + 1)
    private static var wholeTag: String {
        let parts = [body[..<part], body[part..<(2 * part)], body[(2 * part)...]]
        let digests = parts.flatMap { Hash.md5(Array($0)) }
        return "\(Hexadecimal.encode(Hash.md5(digests)))-3"
    }

    private static let partsXML = Array(
        "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>".utf8)

    /// What RGW would say, with one thing changed by `override`.
    private func world(_ override: @escaping @Sendable (String, SentRequest) -> Script?) -> World {
        World { sent in
            if let script = override(sent.line, sent) { return script }
            let request = sent.request
            switch (request.method, request.query.first?.name) {
            case (.post, "uploads"):
                let xml =
                    "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                    + "</InitiateMultipartUploadResult>"
                return .answer(Answers.response(200, Array(xml.utf8)))
            case (.put, "partNumber"):
                guard case .bytes(let bytes)? = request.body else { return .silence }
                let md5 = Hash.md5(bytes)
                var answer = Answers.response(200, [], ["etag": Hexadecimal.encode(md5)])
                answer.sentMD5 = md5
                return .answer(answer)
            case (.post, "uploadId"):
                let xml = "<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>"
                return .answer(Answers.response(200, Array(xml.utf8)))
            case (.get, "uploadId"): return .answer(Answers.response(200, Self.partsXML))
            case (.head, _):
                var fields = Answers.headFields
                fields["etag"] = Self.wholeTag
                return .answer(Answers.response(200, [], fields))
            default:
                return .answer(Answers.response(204))
            }
        }
    }

    private func upload(
        _ world: World, _ precondition: Precondition = .none
    ) -> Outcome<Stored> {
        let outcome = Outcome<Stored>()
        makeStore(world) { $0.partSize = UInt64(Self.part) }.putMultipart(
            testAddress, body: .bytes(Self.body), metadata: ObjectMetadata(),
            precondition: precondition, completion: outcome.completion)
        world.run()
        return outcome
    }

    @Test func partsGoUpAndTheTagOfTheWholeIsComputed() {
        let world = world { _, _ in nil }
        let outcome = upload(world)
        #expect(outcome.value?.etag.text == Self.wholeTag)
        #expect(world.sent.filter { $0.request.method == .put }.count == 3)
        #expect(world.sent.allSatisfy { $0.request.method != .delete })
    }

    @Test(arguments: ["partNumber=1", "partNumber=3", "POST /b/k?uploadId=u1"])
    func aRefusedStepAbortsTheUpload(step: String) {
        let world = world { line, _ in
            line.contains(step) ? .answer(Answers.error(403, "QuotaExceeded")) : nil
        }
        let outcome = upload(world)
        #expect(outcome.error?.kind == .quotaExceeded)
        #expect(world.sent.last?.line == "DELETE /b/k?uploadId=u1")
        #expect(outcome.count == 1)
    }

    @Test func aPartThatArrivedChangedIsSentAgain() {
        let count = Mutex(0)
        let world = world { line, _ in
            guard line.contains("partNumber=2") else { return nil }
            let first = count.withLock { count in
                defer { count += 1 }
                return count == 0
            }
            guard first else { return nil }
            var answer = Answers.response(200, [], ["etag": "00"])
            answer.sentMD5 = Hash.md5([])
            return .answer(answer)
        }
        #expect(upload(world).value?.etag.text == Self.wholeTag)
    }

    @Test func aLostAnswerToCompletingIsResolvedByTheObject() {
        let world = world { line, _ in
            line == "POST /b/k?uploadId=u1" ? .fails(.broken(sent: true, "reset")) : nil
        }
        #expect(upload(world).value?.etag.text == Self.wholeTag)
    }

    @Test func aLostAnswerWithoutTheObjectStaysUnknownAndIsNotAborted() {
        let world = world { line, sent in
            if sent.request.method == .head { return .answer(Answers.response(404)) }
            return line == "POST /b/k?uploadId=u1" ? .fails(.broken(sent: true, "reset")) : nil
        }
        #expect(upload(world).error?.kind == .unknownOutcome)
        #expect(world.sent.allSatisfy { $0.request.method != .delete })
    }

    /// The server says that the parts are put together, and shows nothing, or what was there before.
    @Test(arguments: [404, 500, 200])
    func anUploadThatIsNotSeenAfterwardsIsNotDone(status: Int) {
        let world = world { _, sent in
            guard sent.request.method == .head else { return nil }
            guard status == 200 else { return .answer(Answers.response(status)) }
            return .answer(Answers.response(200, [], Answers.headFields))
        }
        let outcome = upload(
            world, status == 200 ? .matches(ETag(Answers.tag)) : Precondition.none)
        #expect(outcome.error?.kind == .unknownOutcome)
        #expect(world.sent.allSatisfy { $0.request.method != .delete })
    }

    @Test func aKeyThatMayNotReadIsToldThatItIsDone() {
        let world = world { _, sent in
            sent.request.method == .head || sent.request.headers["range"] != nil
                ? .answer(Answers.response(403)) : nil
        }
        #expect(upload(world).value?.etag.text == Self.wholeTag)
    }

    @Test(arguments: [(Precondition.absent, false), (.matches("other"), false)])
    func aConditionThatDoesNotHoldAborts(condition: Precondition, passes: Bool) {
        let world = world { _, _ in nil }
        let outcome = upload(world, condition)
        #expect(outcome.error?.kind == .preconditionFailed)
        #expect(world.sent.last?.request.method == .delete)
    }

    @Test func cancellingAborts() {
        let world = world { line, _ in line.contains("partNumber=2") ? .silence : nil }
        let outcome = Outcome<Stored>()
        let call = makeStore(world) { $0.partSize = UInt64(Self.part) }.putMultipart(
            testAddress, body: .bytes(Self.body), metadata: ObjectMetadata(),
            precondition: .none, completion: outcome.completion)
        world.schedule(at: Instant(nanoseconds: 1)) { call.cancel() }
        world.run()
        #expect(outcome.error?.kind == .cancelled)
        #expect(outcome.count == 1)
        #expect(world.sent.last?.line == "DELETE /b/k?uploadId=u1")
    }
}
