import RGWObject
import RGWWire
import Testing

@Suite struct ErrorTableTests {
    private func entry(
        _ operation: S3Operation, _ status: Int, _ code: String?, isS3: Bool = true
    ) -> ErrorTable.Entry {
        ErrorTable.entry(operation, status: status, code: code, isS3: isS3)
    }

    @Test(arguments: [
        ("NoSuchKey", 404, ObjectStoreError.Kind.noSuchKey), ("NoSuchBucket", 404, .noSuchBucket),
        ("NoSuchUpload", 404, .noSuchUpload), ("AccessDenied", 403, .accessDenied),
        ("SignatureDoesNotMatch", 403, .badCredentials),
        ("InvalidAccessKeyId", 403, .badCredentials),
        ("RequestTimeTooSkewed", 403, .clockSkew), ("QuotaExceeded", 403, .quotaExceeded),
        ("PreconditionFailed", 412, .preconditionFailed), ("InvalidRange", 416, .invalidRange),
        ("BucketNotEmpty", 409, .bucketNotEmpty), ("BucketAlreadyExists", 409, .bucketExists),
        ("EntityTooLarge", 400, .tooLarge), ("BadDigest", 400, .badDigest),
        ("InvalidObjectName", 400, .invalidName), ("NotImplemented", 501, .notImplemented),
        ("SlowDown", 503, .busy), ("InternalError", 500, .unknownOutcome),
        ("MalformedXML", 400, .invalidRequest), ("SomethingNew", 418, .invalidRequest),
    ])
    func aCodeMeansTheSameForEveryOperation(
        code: String, status: Int, kind: ObjectStoreError.Kind
    ) {
        for operation in S3Operation.allCases
        where !(operation == .listParts && code == "NoSuchKey") {
            #expect(entry(operation, status, code).kind == kind)
        }
    }

    @Test func aMissingUploadIsNamedSoAlsoWhereRGWSaysNoSuchKey() {
        #expect(entry(.listParts, 404, "NoSuchKey").kind == .noSuchUpload)
    }

    @Test func onlyADefinite404IsNotFound() {
        #expect(entry(.headObject, 404, nil).kind == .noSuchKey)
        #expect(entry(.headBucket, 404, nil).kind == .noSuchBucket)
        #expect(entry(.headObject, 404, nil, isS3: false).kind == .malformedAnswer)
        #expect(entry(.getObject, 404, nil).kind != .noSuchKey)
        #expect(entry(.listObjects, 404, nil, isS3: false).kind == .malformedAnswer)
        for operation in S3Operation.allCases {
            for status in [400, 401, 403, 405, 408, 409, 410, 429, 500, 502, 503, 504] {
                #expect(entry(operation, status, nil).kind != .noSuchKey)
            }
        }
    }

    @Test func aRefusalToTryNowWasNotDone() {
        for operation in S3Operation.allCases {
            #expect(entry(operation, 503, nil) == entry(operation, 503, "SlowDown"))
            #expect(entry(operation, 503, nil).retry == .notDone)
        }
    }

    @Test(arguments: [500, 502, 504])
    func aServerErrorMayHaveBeenDone(status: Int) {
        for operation in S3Operation.allCases {
            #expect(entry(operation, status, nil).retry == .perhapsDone)
        }
    }

    @Test func theErrorKeepsWhatAPersonNeeds() {
        var headers = HTTPHeaders()
        headers.append("X-Amz-Request-Id", "tx1")
        let body = "<Error><Code>QuotaExceeded</Code><Message>full</Message></Error>"
        let answer = S3Response(
            .putObject, subject: "photos/a.jpg",
            http: HTTPResponse(status: 403, headers: headers, body: Array(body.utf8)))
        let failure = #expect(throws: S3Failure.self) { try answer.requireSuccess() }
        #expect(
            failure?.error.description
                == "PUT photos/a.jpg: quotaExceeded, HTTP 403 QuotaExceeded: full (request tx1)")
    }

    @Test(arguments: ["", "{\"Code\":\"x\"}", "<html>no</html>", "<Error><Code>", "\u{0}"])
    func bodiesThatAreNoErrorsAreIgnored(body: String) {
        let answer = S3Response(
            .putObject, subject: "b/k", http: HTTPResponse(status: 400, body: Array(body.utf8)))
        let failure = #expect(throws: S3Failure.self) { try answer.requireSuccess() }
        #expect(failure?.error.kind == .invalidRequest)
        #expect(failure?.error.code == nil)
    }
}
