extension ObjectStoreError {
    /// Somebody else's version is where a change of ours was to go; `advice` is the rest of the sentence.
    package static func conflict(
        at address: ObjectAddress, operation: String, advice: String
    ) -> ObjectStoreError {
        var error = ObjectStoreError(.preconditionFailed, operation: operation)
        error.sentence = "\(address.key.text) was changed by another client; \(advice)"
        return error
    }
}

extension ObjectStoreError.Kind {
    /// What happened, for a person.
    package var words: String {
        switch self {
        case .noSuchKey: "there is no such object"
        case .noSuchBucket: "there is no such bucket"
        case .noSuchUpload: "the server has forgotten the upload in parts"
        case .accessDenied: "access is denied"
        case .badCredentials: "the server does not accept the keys"
        case .clockSkew: "the server's clock and this machine's differ too much"
        case .preconditionFailed: "the object is not the version that was expected"
        case .quotaExceeded: "the quota is used up"
        case .tooLarge: "it is too large for the server"
        case .badDigest: "the content was damaged on the way"
        case .invalidRange: "the object has no such range"
        case .bucketNotEmpty: "the bucket is not empty"
        case .bucketExists: "the bucket exists already"
        case .invalidName: "the server does not accept the name"
        case .invalidRequest: "the server does not accept the request"
        case .notImplemented: "the server cannot do this"
        case .unreachable: "the server cannot be reached"
        case .busy: "the server is overloaded"
        case .unknownOutcome: "the server failed, or its answer was lost"
        case .timedOut: "the server has not answered in time"
        case .malformedAnswer: "the answer is not one of an S3 service"
        case .cancelled: "it was interrupted"
        case .bodyUnreadable: "the data in the spool cannot be read"
        case .contradictory: "the server contradicts itself"
        }
    }
}
