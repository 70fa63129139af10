import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Testing

/// What callers see of every rule of the error table: the kind, the request id, and how often the
/// request was sent.
@Suite struct ErrorOutcomeTests {
    /// The port's calls, by the operation they begin with.
    private static let calls: [S3Operation] = [
        .headObject, .getObject, .putObject, .copyObject, .deleteObject, .deleteObjects,
        .listObjects, .headBucket, .listBuckets, .createBucket, .deleteBucket, .createMultipart,
        .uploadPart, .listParts, .abortMultipart, .listMultipart, .getTagging,
    ]

    /// Starts the call.
    private func start(
        _ operation: S3Operation, _ store: S3ObjectStore, _ outcome: Outcome<Void>
    ) {
        let upload = MultipartUploadAddress(object: testAddress, id: "u")
        func completion<Answer>() -> Completion<Answer> { { outcome.completion($0.map { _ in }) } }
        switch operation {
        case .headObject: store.head(testAddress, completion: completion())
        case .getObject:
            store.get(
                testAddress, range: nil, matching: nil, lane: .bulk, blockSize: 8,
                onBlock: { _ in }, completion: completion())
        case .putObject:
            store.put(
                testAddress, body: .bytes([1]), md5: Hash.md5([1]), metadata: ObjectMetadata(),
                precondition: .none, completion: completion())
        case .copyObject:
            store.copy(
                from: testAddress, to: testAddress, metadata: ObjectMetadata(),
                sourceMatching: nil, completion: completion())
        case .deleteObject: store.delete(testAddress, completion: outcome.completion)
        case .deleteObjects: store.delete(["k", "l"], in: "b", completion: completion())
        case .listObjects:
            store.list(
                "b", prefix: nil, delimited: false, after: nil, limit: 1, completion: completion())
        case .headBucket: store.headBucket("b", completion: completion())
        case .listBuckets: store.listBuckets(completion: completion())
        case .createBucket: store.createBucket("b", completion: completion())
        case .deleteBucket: store.deleteBucket("b", completion: completion())
        case .createMultipart:
            store.createUpload(testAddress, metadata: ObjectMetadata(), completion: completion())
        case .uploadPart:
            store.putPart(
                upload, number: 1, body: .bytes([1]), md5: Hash.md5([1]), completion: completion())
        case .listParts: store.listParts(upload, completion: completion())
        case .abortMultipart: store.abortUpload(upload, completion: completion())
        case .listMultipart:
            store.listUploads("b", prefix: nil, after: nil, limit: 1, completion: completion())
        case .getTagging: store.tags(of: testAddress, completion: completion())
        // Asks the object after most errors: UploadTests and MultipartTests have them.
        case .completeMultipart, .getNotification, .getVersioning, .listVersions, .putTagging:
            Issue.record("not among the calls")
        }
    }

    /// A code and status that the rule is about.
    private func answer(_ row: ErrorTable.Row) -> HTTPResponse {
        let status = row.statuses?.lowerBound ?? 400
        var answer = Answers.response(status)
        if case .exactly(let code) = row.code { answer = Answers.error(status, code) }
        answer.headers["date"] = "Tue, 14 Nov 2023 23:13:20 GMT"
        return answer
    }

    /// Success where S3 has none.
    private func isSuccess(_ operation: S3Operation, _ kind: ObjectStoreError.Kind) -> Bool {
        switch operation {
        case .deleteObject: kind == .noSuchKey
        case .abortMultipart: kind == .noSuchUpload
        default: false
        }
    }

    private func sends(_ operation: S3Operation, _ entry: ErrorTable.Entry) -> ClosedRange<Int> {
        // A bodiless refusal of HEAD costs one request more.
        let head = [.headObject, .headBucket].contains(operation) ? 1 : 0
        switch entry.retry {
        case .never: return 1...(1 + head)
        case .credentials: return 1...(1 + head)
        case .clockSkew: return 2...(2 + head)
        case .notDone: return (entry.kind == .badDigest ? 3...3 : 4...4)
        case .perhapsDone where !operation.isRepeatable: return 1...1
        case .perhapsDone: return (entry.kind == .malformedAnswer ? 3...3 : 4...4)
        }
    }

    @Test(arguments: calls)
    func everyRuleIsAnErrorOfItsKind(operation: S3Operation) throws {
        for row in ErrorTable.rows
        where row.operations.isEmpty || row.operations.contains(operation) {
            let answer = answer(row)
            let entry = ErrorTable.entry(
                operation, status: answer.status, code: row.code.text, isS3: true)
            let world = World { sent in
                .answer(sent.isNotification ? Answers.noNotification : answer)
            }
            let outcome = Outcome<Void>()
            start(operation, makeStore(world), outcome)
            world.run()
            #expect(outcome.count == 1, "exactly one answer")
            if isSuccess(operation, entry.kind) {
                #expect(outcome.error == nil)
                continue
            }
            let error = try #require(outcome.error, "\(operation) \(row)")
            #expect(error.kind == told(operation, entry), "\(operation) \(row)")
            #expect(error.requestID == "tx1")
            #expect(error.status == answer.status)
            let range = sends(operation, entry)
            let count = world.sent.count { !$0.isNotification }
            #expect(range.contains(count), "\(operation) \(row) \(count)")
        }
    }

    /// A read has no unknown outcome, a change no malformed answer.
    private func told(
        _ operation: S3Operation, _ entry: ErrorTable.Entry
    ) -> ObjectStoreError.Kind {
        switch entry.kind {
        case .unknownOutcome where operation.isRepeatable: .busy
        case .malformedAnswer where !operation.isRepeatable: .unknownOutcome
        default: entry.kind
        }
    }
}

extension ErrorTable.CodePattern {
    fileprivate var text: String? { if case .exactly(let code) = self { code } else { nil } }
}
