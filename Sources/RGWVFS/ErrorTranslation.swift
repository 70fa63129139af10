import RGWBase
import RGWObject
import RGWSpool

extension FileSystemError {
    /// What a program is told when a request to the object store failed for good.
    init(_ error: ObjectStoreError) {
        switch error.kind {
        case .noSuchKey: self = .notFound
        case .accessDenied, .badCredentials: self = .accessDenied
        case .preconditionFailed: self = .stale
        case .quotaExceeded: self = .quotaExceeded
        case .tooLarge: self = .tooLarge
        case .bucketNotEmpty: self = .notEmpty
        case .bucketExists: self = .exists
        case .invalidName: self = .invalidArgument
        case .timedOut: self = .timedOut
        case .notImplemented: self = .notSupported
        case .noSuchBucket, .noSuchUpload, .clockSkew, .badDigest, .invalidRange, .invalidRequest,
            .unreachable, .busy, .unknownOutcome, .malformedAnswer, .cancelled, .bodyUnreadable,
            .contradictory:
            self = .inputOutput
        }
    }

    /// What a program is told when the spool failed.
    init(_ error: SpoolError) {
        switch error {
        case .full: self = .spoolFull
        case .tooLarge: self = .tooLarge
        case .tooManyFiles: self = .tooManyFiles
        case .failed, .unusable, .busy: self = .inputOutput
        }
    }
}

extension ObjectStoreError {
    /// What the write-back does about a failure.
    enum Remedy: Equatable {
        /// Try again later, for ever: the server was not reached, is busy, or may have done it.
        case retry
        /// Look at the object before anything else: it may already be ours, or somebody else's.
        case inspect
        /// Nothing will change by itself: keep the data and tell the user.
        case block
    }

    /// It is about this request, and not about the credentials, the bucket or the space that all share:
    /// a change of names or attributes that is refused so is taken back.
    var isRefusal: Bool {
        switch kind {
        case .badCredentials, .clockSkew, .noSuchBucket, .quotaExceeded, .unreachable, .busy,
            .timedOut, .cancelled, .unknownOutcome, .malformedAnswer, .bodyUnreadable,
            .contradictory:
            false
        case .noSuchKey, .noSuchUpload, .accessDenied, .preconditionFailed, .tooLarge, .badDigest,
            .invalidRange, .bucketNotEmpty, .bucketExists, .invalidName, .invalidRequest,
            .notImplemented:
            true
        }
    }

    var remedy: Remedy {
        switch kind {
        case .unreachable, .busy, .timedOut, .cancelled, .malformedAnswer, .badDigest, .clockSkew:
            .retry
        // RGW answers If-Match on a missing key with 404 since 2025, with 412 before.
        case .unknownOutcome, .preconditionFailed, .noSuchKey: .inspect
        case .noSuchBucket, .noSuchUpload, .accessDenied, .badCredentials,
            .quotaExceeded, .tooLarge, .invalidRange, .bucketNotEmpty, .bucketExists,
            .invalidName, .invalidRequest, .notImplemented, .bodyUnreadable, .contradictory:
            .block
        }
    }
}
