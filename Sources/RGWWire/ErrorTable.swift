package import RGWObject

/// The one table from (operation, HTTP status, S3 code) to what it means and what it permits.
///
/// The first row that fits counts: rows of single operations, then codes, then statuses. Source:
/// `src/rgw/rgw_common.cc`, `rgw_http_s3_errors`; S3 API reference, "Error responses"; answers of a
/// real RGW 16, where they differ.
package enum ErrorTable {
    package struct Entry: Hashable, Sendable {
        package let kind: ObjectStoreError.Kind
        package let retry: RetryClass
    }

    /// Which codes a rule is about.
    package enum CodePattern: Hashable, Sendable {
        /// Any, or none.
        case any
        /// The answer has no S3 body.
        case absent
        case exactly(String)

        func fits(_ code: String?) -> Bool {
            switch self {
            case .any: true
            case .absent: code == nil
            case .exactly(let wanted): code == wanted
            }
        }
    }

    /// One rule.
    package struct Row: Sendable {
        /// Empty: all of them.
        package let operations: Set<S3Operation>
        /// Nil: any.
        package let statuses: ClosedRange<Int>?
        package let code: CodePattern
        /// True where only the answer of an S3 service counts: a 404 may come from any web server.
        package let needsS3: Bool
        package let entry: Entry

        package func fits(
            _ operation: S3Operation, status: Int, code: String?, isS3: Bool
        ) -> Bool {
            if !operations.isEmpty, !operations.contains(operation) { return false }
            if let statuses, !statuses.contains(status) { return false }
            return self.code.fits(code) && (!needsS3 || isS3)
        }
    }

    /// `code` is nil when the answer had no S3 body (HEAD never has one). `isS3` tells whether the
    /// answer bears the marks of S3 (`x-amz-request-id`): without them a 404 is not a definite "not
    /// found".
    package static func entry(
        _ operation: S3Operation, status: Int, code: String?, isS3: Bool
    ) -> Entry {
        let named = code.flatMap { rowsByCode[.exactly($0)] } ?? []
        let row = (named + rowsByStatus).first {
            $0.fits(operation, status: status, code: code, isS3: isS3 || code != nil)
        }
        // The last row fits everything.
        return row?.entry ?? Entry(kind: .malformedAnswer, retry: .perhapsDone)
    }

    /// Every rule, in the order in which they are tried.
    package static let rows: [Row] = special + codes + statuses

    private static let rowsByCode = Dictionary(grouping: special + codes, by: \.code)
    private static let rowsByStatus = statuses

    private static func row(
        on operations: Set<S3Operation> = [], status statuses: ClosedRange<Int>? = nil,
        code: CodePattern = .any, needsS3: Bool = false, _ kind: ObjectStoreError.Kind,
        _ retry: RetryClass
    ) -> Row {
        Row(
            operations: operations, statuses: statuses, code: code, needsS3: needsS3,
            entry: Entry(kind: kind, retry: retry))
    }

    private static func codes(
        _ kind: ObjectStoreError.Kind, _ retry: RetryClass, _ codes: String...
    ) -> [Row] {
        codes.map { row(code: .exactly($0), kind, retry) }
    }

    /// Codes that mean something else for some operations.
    private static let special: [Row] = [
        // RGW 16 says so of an upload that does not exist. Test: UploadTests.whatIsGone...
        row(on: [.listParts], code: .exactly("NoSuchKey"), .noSuchUpload, .never),
        // RGW 16 answers EEXIST so, also of objects whose first chunk another request has just made.
        row(
            on: [.putObject, .copyObject, .uploadPart, .completeMultipart],
            code: .exactly("BucketAlreadyExists"), .busy, .notDone),
        // What these say of a bucket, no other operation can hear: EEXIST of a listing would mislead a program.
        row(on: [.createBucket], code: .exactly("BucketAlreadyExists"), .bucketExists, .never),
        row(on: [.createBucket], code: .exactly("BucketAlreadyOwnedByYou"), .bucketExists, .never),
        row(on: [.deleteBucket], code: .exactly("BucketNotEmpty"), .bucketNotEmpty, .never),
        // Encrypted with a key that its writer keeps (SSE-C): without it nobody reads the object. A
        // session token that RGW cannot read is the other cause. Test: mount/test_encrypted.
        row(on: [.getObject], code: .exactly("InvalidArgument"), .accessDenied, .credentials),
    ]

    /// Codes that mean the same for every operation, whatever the status.
    private static let codes: [Row] =
        codes(.noSuchKey, .never, "NoSuchKey", "NoSuchVersion")
        + codes(.noSuchBucket, .never, "NoSuchBucket")
        + codes(.noSuchUpload, .never, "NoSuchUpload")
        // With STS on, RGW says AccessDenied of wrong keys and of expired tokens as well.
        + codes(.accessDenied, .credentials, "AccessDenied")
        + codes(.accessDenied, .never, "AllAccessDisabled", "MethodNotAllowed")
        + codes(
            .badCredentials, .credentials, "InvalidAccessKeyId", "SignatureDoesNotMatch",
            "ExpiredToken", "InvalidToken", "InvalidSecurity", "UserSuspended", "NoSuchUser")
        // RGW says so of a session token that it cannot read.
        + codes(.invalidRequest, .credentials, "InvalidArgument")
        + codes(.clockSkew, .clockSkew, "RequestTimeTooSkewed")
        + codes(.preconditionFailed, .never, "PreconditionFailed", "NotModified")
        + codes(.quotaExceeded, .never, "QuotaExceeded")
        + codes(.tooLarge, .never, "EntityTooLarge")
        // Damaged on the way: worth another attempt.
        + codes(.badDigest, .notDone, "BadDigest", "XAmzContentSHA256Mismatch")
        + codes(.invalidRange, .never, "InvalidRange")
        + codes(
            .invalidName, .never, "InvalidObjectName", "InvalidBucketName", "KeyTooLongError",
            "InvalidTenantName")
        + codes(.notImplemented, .never, "NotImplemented")
        // RequestTimeout: the server gave up waiting for the body, so it has not stored it.
        + codes(
            .busy, .notDone, "RequestTimeout", "SlowDown", "ServiceUnavailable", "Throttling",
            "OperationAborted", "ConcurrentModification", "Locked")
        + codes(.unknownOutcome, .perhapsDone, "InternalError")
        + codes(
            .invalidRequest, .never, "InvalidRequest", "InvalidDigest", "InvalidPart",
            "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "MissingContentLength",
            "InvalidLocationConstraint", "IllegalLocationConstraintException", "TooManyBuckets",
            "LimitExceeded", "InvalidTag", "InvalidBucketState", "InvalidObjectState",
            "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty",
            "PositionNotEqualToLength",
            "ObjectNotAppendable", "UnprocessableEntity")

    /// What is left: the status alone, where the answer had no code or an unknown one.
    private static let statuses: [Row] = [
        row(on: [.headObject], status: 404...404, code: .absent, needsS3: true, .noSuchKey, .never),
        row(
            on: [
                .headBucket, .deleteBucket, .createBucket, .listObjects, .listMultipart,
                .getNotification, .getVersioning, .listVersions,
            ], status: 404...404, code: .absent, needsS3: true, .noSuchBucket, .never),
        row(status: 404...404, needsS3: true, .invalidRequest, .never),
        row(status: 404...404, .malformedAnswer, .perhapsDone),
        row(status: 401...401, .accessDenied, .credentials),
        row(status: 403...403, .accessDenied, .credentials),
        // 304 is the answer to If-None-Match on reads.
        row(status: 304...304, .preconditionFailed, .never),
        row(status: 412...412, .preconditionFailed, .never),
        row(status: 413...413, .tooLarge, .never),
        row(status: 416...416, .invalidRange, .never),
        // A proxy wants to know who we are: the server was not reached.
        row(status: 407...407, .unreachable, .notDone),
        row(status: 408...408, .busy, .notDone),
        row(status: 423...423, .busy, .notDone),
        row(status: 429...429, .busy, .notDone),
        row(status: 503...503, .busy, .notDone),
        row(on: [.createBucket], status: 409...409, .bucketExists, .never),
        row(on: [.deleteBucket], status: 409...409, .bucketNotEmpty, .never),
        row(status: 501...501, .notImplemented, .never),
        row(status: 400...499, .invalidRequest, .never),
        row(status: 500...599, .unknownOutcome, .perhapsDone),
        // 1xx, 3xx and success codes of an operation that should have others.
        row(.malformedAnswer, .perhapsDone),
    ]
}
