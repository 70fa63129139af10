package import RGWObject

/// The one table from (operation, HTTP status, S3 code) to what it means and what it permits.
///
/// Source: S3 API reference, "Error responses"; `src/rgw/rgw_common.cc`, `rgw_http_s3_errors`, and
/// answers of a real RGW 16.
package enum ErrorTable {
    package struct Entry: Hashable, Sendable {
        package let kind: ObjectStoreError.Kind
        package let retry: RetryClass
    }

    /// `code` is nil when the answer had no S3 body (HEAD never has one). `isS3` tells whether the
    /// answer bears the marks of S3 (`x-amz-request-id`): without them a 404 may come from any web
    /// server and is not a definite "not found".
    package static func entry(
        _ operation: S3Operation, status: Int, code: String?, isS3: Bool
    ) -> Entry {
        if let code, let entry = byOperation[operation]?[code] ?? byCode[code] { return entry }
        return byStatus(operation, status, isS3: isS3 || code != nil)
    }

    /// Codes that mean something else for one operation.
    static let byOperation: [S3Operation: [String: Entry]] = [
        // RGW 16 says so of an upload that does not exist.
        .listParts: ["NoSuchKey": Entry(kind: .noSuchUpload, retry: .never)]
    ]

    /// Codes that mean the same for every operation.
    static let byCode: [String: Entry] = [
        "NoSuchKey": Entry(kind: .noSuchKey, retry: .never),
        "NoSuchVersion": Entry(kind: .noSuchKey, retry: .never),
        "NoSuchBucket": Entry(kind: .noSuchBucket, retry: .never),
        "NoSuchUpload": Entry(kind: .noSuchUpload, retry: .never),
        "AccessDenied": Entry(kind: .accessDenied, retry: .credentials),
        "AllAccessDisabled": Entry(kind: .accessDenied, retry: .never),
        "MethodNotAllowed": Entry(kind: .accessDenied, retry: .never),
        "InvalidAccessKeyId": Entry(kind: .badCredentials, retry: .credentials),
        "SignatureDoesNotMatch": Entry(kind: .badCredentials, retry: .credentials),
        "ExpiredToken": Entry(kind: .badCredentials, retry: .credentials),
        "InvalidToken": Entry(kind: .badCredentials, retry: .credentials),
        "InvalidSecurity": Entry(kind: .badCredentials, retry: .credentials),
        "UserSuspended": Entry(kind: .badCredentials, retry: .credentials),
        "RequestTimeTooSkewed": Entry(kind: .clockSkew, retry: .clockSkew),
        "PreconditionFailed": Entry(kind: .preconditionFailed, retry: .never),
        "QuotaExceeded": Entry(kind: .quotaExceeded, retry: .never),
        "EntityTooLarge": Entry(kind: .tooLarge, retry: .never),
        "BadDigest": Entry(kind: .badDigest, retry: .notDone),
        "XAmzContentSHA256Mismatch": Entry(kind: .badDigest, retry: .notDone),
        "InvalidRange": Entry(kind: .invalidRange, retry: .never),
        "BucketNotEmpty": Entry(kind: .bucketNotEmpty, retry: .never),
        "BucketAlreadyExists": Entry(kind: .bucketExists, retry: .never),
        "BucketAlreadyOwnedByYou": Entry(kind: .bucketExists, retry: .never),
        "InvalidObjectName": Entry(kind: .invalidName, retry: .never),
        "InvalidBucketName": Entry(kind: .invalidName, retry: .never),
        "KeyTooLongError": Entry(kind: .invalidName, retry: .never),
        "NotImplemented": Entry(kind: .notImplemented, retry: .never),
        // The server gave up waiting for the body, so it has not stored it.
        "RequestTimeout": Entry(kind: .busy, retry: .notDone),
        "SlowDown": Entry(kind: .busy, retry: .notDone),
        "ServiceUnavailable": Entry(kind: .busy, retry: .notDone),
        "OperationAborted": Entry(kind: .busy, retry: .notDone),
        "ConcurrentModification": Entry(kind: .busy, retry: .notDone),
        "InternalError": Entry(kind: .unknownOutcome, retry: .perhapsDone),
    ]

    private static func byStatus(_ operation: S3Operation, _ status: Int, isS3: Bool) -> Entry {
        switch status {
        case 404: notFound(operation, isS3: isS3)
        case 401, 403: Entry(kind: .accessDenied, retry: .credentials)
        case 412, 304: Entry(kind: .preconditionFailed, retry: .never)
        case 413: Entry(kind: .tooLarge, retry: .never)
        case 416: Entry(kind: .invalidRange, retry: .never)
        case 408, 429, 503: Entry(kind: .busy, retry: .notDone)
        case 409:
            Entry(
                kind: operation == .createBucket ? .bucketExists : .invalidRequest,
                retry: .never)
        case 501: Entry(kind: .notImplemented, retry: .never)
        case 400...499: Entry(kind: .invalidRequest, retry: .never)
        case 500...599: Entry(kind: .unknownOutcome, retry: .perhapsDone)
        // 1xx, 3xx and success codes of an operation that should have others.
        default: Entry(kind: .malformedAnswer, retry: .perhapsDone)
        }
    }

    private static func notFound(_ operation: S3Operation, isS3: Bool) -> Entry {
        guard isS3 else { return Entry(kind: .malformedAnswer, retry: .perhapsDone) }
        switch operation {
        case .headObject: return Entry(kind: .noSuchKey, retry: .never)
        case .headBucket, .deleteBucket, .createBucket, .listObjects, .listMultipart:
            return Entry(kind: .noSuchBucket, retry: .never)
        default: return Entry(kind: .invalidRequest, retry: .never)
        }
    }
}
