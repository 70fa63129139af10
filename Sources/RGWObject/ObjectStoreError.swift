import RGWBase

/// Why a request to the object store failed: a closed set, with what a person needs to find the cause.
package struct ObjectStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable, CaseIterable {
        /// A definite 404 for the key. The only "not found".
        case noSuchKey
        case noSuchBucket
        case noSuchUpload
        case accessDenied
        /// InvalidAccessKeyId, SignatureDoesNotMatch, ExpiredToken, UserSuspended.
        case badCredentials
        /// RequestTimeTooSkewed that correcting the offset did not cure.
        case clockSkew
        /// 412
        case preconditionFailed
        case quotaExceeded
        /// EntityTooLarge
        case tooLarge
        /// BadDigest: the body did not have the announced MD5, so nothing was stored.
        case badDigest
        /// 416
        case invalidRange
        case bucketNotEmpty
        case bucketExists
        case invalidName
        /// 4xx that no other case names: the request itself is wrong.
        case invalidRequest
        /// 501 or a feature the server lacks.
        case notImplemented
        /// Definitely not done: connection refused, name not resolved, TLS failed.
        case unreachable
        /// Definitely not done: 503 SlowDown and other refusals to try now.
        case busy
        /// The request may or may not have taken effect (body sent, no or broken answer, 500/502/504).
        case unknownOutcome
        /// The deadline passed before anything that changes the store was sent, or on a read.
        case timedOut
        /// The answer breaks HTTP or S3: truncated body, malformed XML, missing ETag.
        case malformedAnswer
        case cancelled
        /// The body could not be read from the spool while it was sent.
        case bodyUnreadable
        /// The server keeps refusing what the object, looked at since, does not explain.
        case contradictory
    }

    package var kind: Kind
    /// For example `PUT photos/2024/a.jpg`.
    package var operation: String
    package var status: Int?
    /// S3's `<Code>`, as sent.
    package var code: String?
    /// `x-amz-request-id`.
    package var requestID: String?
    /// One more sentence: the server's message, or libcurl's.
    package var message: String?
    /// `<BucketName>`: the bucket that RGW looked for. Another one than was asked for shows that RGW
    /// took the Host header's name for a bucket's.
    package var bucketName: String?
    /// A whole sentence for people; with it, `description` is this and nothing else.
    package var sentence: String?

    package init(
        _ kind: Kind, operation: String, status: Int? = nil, code: String? = nil,
        requestID: String? = nil, message: String? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.status = status
        self.code = code
        self.requestID = requestID
        self.message = message
        cut()
    }

    /// Longer ones come from nobody's S3: characters.
    private static let wordMax = 128
    private static let messageMax = 400
    private static let lineMax = 2000

    /// What a server says of an error, without the length that it may have; for messages.
    package mutating func cut() {
        code = code.map { LineText.escaped($0, max: Self.wordMax) }
        requestID = requestID.map { LineText.escaped($0, max: Self.wordMax) }
        bucketName = bucketName.map { LineText.escaped($0, max: Self.wordMax) }
        message = message.map { LineText.escaped($0, max: Self.messageMax) }
    }

    /// One line, whatever the server, the key or libcurl say.
    package var description: String {
        if let sentence { return LineText.escaped(sentence, max: Self.lineMax) }
        var text = "\(operation): \(kind.words)"
        if let status { text += ", HTTP \(status)" }
        if let code { text += " \(code)" }
        if let message, !message.isEmpty { text += ": \(message)" }
        if let requestID { text += " (request \(requestID))" }
        return LineText.escaped(text, max: Self.lineMax)
    }
}

extension ObjectStoreError {
    /// The server looked at the request: neither lost nor turned away unread.
    package var isAnswer: Bool {
        switch kind {
        case .unreachable, .busy, .timedOut, .cancelled, .unknownOutcome, .malformedAnswer,
            .bodyUnreadable, .badCredentials, .clockSkew:
            false
        default: true
        }
    }
}
