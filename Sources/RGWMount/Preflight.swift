import RGWBase
package import RGWClient
package import RGWObject
import RGWWire

/// What the check of the bucket before mounting was about, for its messages.
package struct PreflightContext: Equatable, Sendable {
    package var server: Endpoint
    package var source: MountSource
    /// The access key's id, which is no secret; nil for anonymous requests.
    package var accessKey: String?
    package var region: String
    package var timeout: Duration
    /// `url=` said http or https by itself.
    package var hasScheme: Bool
    /// The server speaks the other one of http and https at the same port.
    package var otherSchemeAnswers = false

    package init(
        server: Endpoint, source: MountSource, accessKey: String?, region: String,
        timeout: Duration, hasScheme: Bool = true
    ) {
        self.server = server
        self.source = source
        self.accessKey = accessKey
        self.region = region
        self.timeout = timeout
        self.hasScheme = hasScheme
    }
}

/// Why the bucket cannot be mounted: one sentence that names the server, and the bucket or key it
/// is about.
///
/// The check is a LIST of one key below the source (for all buckets: of the buckets), because its errors have a body with S3's code,
/// which the answers to HEAD do not.
package struct PreflightFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package var context: PreflightContext
    package let error: ObjectStoreError

    package init(_ error: ObjectStoreError, _ context: PreflightContext) {
        self.error = error
        self.context = context
    }

    private var bucket: String { context.source.bucket?.description ?? "/" }
    /// What was tried, as a verb and its object.
    private var attempt: String {
        context.source.bucket == nil ? "list the buckets" : "list bucket \(bucket)"
    }
    private var server: String { context.server.description }
    private var user: String {
        context.accessKey.map { "user \(Shown.text($0))" } ?? "an anonymous user"
    }
    /// `: message`, from the server or from libcurl.
    private var detail: String {
        let message = error.message.map { Shown.text($0) } ?? ""
        return message.isEmpty ? "" : ": \(message)"
    }
    /// `HTTP 503 SlowDown`, as far as known.
    private var answer: String {
        let status = error.status.map { "HTTP \($0)" }
        let words = [status, error.code.map { Shown.text($0) }].compactMap { $0 }
        return words.isEmpty ? "no HTTP status" : words.joined(separator: " ")
    }

    package var description: String {
        if context.otherSchemeAnswers {
            var other = context.server
            other.port = other.effectivePort
            other.scheme = other.scheme == .https ? .http : .https
            let speaks = other.scheme == .https ? "speaks TLS" : "does not speak TLS"
            return "cannot reach \(server): the server \(speaks) at this port: use url=\(other)"
        }
        return told
    }

    /// Whether the other scheme is worth trying: somebody may be there who was not understood.
    package var mayBeOtherScheme: Bool {
        switch error.kind {
        case .unreachable, .malformedAnswer, .unknownOutcome: true
        case .invalidRequest: error.code == nil
        default: false
        }
    }

    private var told: String {
        switch error.kind {
        case .noSuchBucket: noSuchBucket
        case .accessDenied: accessDenied
        case .badCredentials: badCredentials
        case .clockSkew:
            "\(server) refuses requests because its clock and this machine's differ too much"
        case .unreachable: unreachable
        case .timedOut:
            "\(server) did not answer within \(OptionValue.text(duration: context.timeout)) "
                + "(connect_timeout)"
        case .busy: "\(server) refuses requests because it is overloaded (\(answer))"
        case .unknownOutcome: "\(server) failed to \(attempt) (\(answer))\(detail)"
        case .malformedAnswer:
            "\(server) does not answer as an S3 service does (\(answer))\(detail)"
        case .cancelled: "the check of \(bucket) at \(server) was interrupted"
        case .noSuchKey, .noSuchUpload, .preconditionFailed, .quotaExceeded, .tooLarge, .badDigest,
            .invalidRange, .bucketNotEmpty, .bucketExists, .invalidName, .invalidRequest,
            .notImplemented, .bodyUnreadable, .contradictory:
            refused
        }
    }

    /// RGW takes the first label of a Host header that it does not know for a bucket, so path-style
    /// requests under such a name find no bucket at all. It never does so with addresses.
    /// Source: docs.ceph.com, radosgw/s3/commons, "Bucket and Host Name".
    private var noSuchBucket: String {
        let text = "\(bucket): no such bucket at \(server) (\(user))"
        if context.server.isNumeric || context.server.style == .virtualHost { return text }
        let advice = "\(context.server.host) (rgw_dns_name): use its address in url="
        switch error.bucketName {
        // RGW says which bucket it looked for.
        case let looked? where isTheBucket(looked): return text
        case let looked? where !looked.isEmpty:
            return
                "\(server) takes its own name for that of a bucket, because it does not know it: "
                + advice
        default:
            return text + "; if it exists, the server does not know its own name " + advice
        }
    }

    private func isTheBucket(_ looked: String) -> Bool {
        guard let bucket = context.source.bucket else { return false }
        return looked == bucket.name || looked == bucket.description
    }

    private var unreachable: String {
        let text = "cannot reach \(server)\(detail)"
        if context.hasScheme { return text }
        return text + "; for a server without TLS say url=http://..."
    }

    private var accessDenied: String {
        let text = "\(bucket): \(server) denies access to \(user)"
        guard context.accessKey != nil else { return text }
        return text + "; where STS is on, a wrong key or secret is reported so too"
    }

    private var badCredentials: String {
        switch error.code {
        case "InvalidAccessKeyId": "\(server) does not know \(user)"
        case "SignatureDoesNotMatch": "\(server) says that the secret key of \(user) is wrong"
        case "ExpiredToken": "the session token of \(user) has expired at \(server)"
        case "InvalidToken": "\(server) does not accept the session token of \(user)"
        case "UserSuspended": "\(user) is suspended at \(server)"
        default: "\(server) does not accept the credentials of \(user) (\(answer))"
        }
    }

    /// Ceph takes any region without a slash; other services want their own.
    private static let regionCodes: Set<String> = [
        "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException",
        "InvalidLocationConstraint",
    ]

    private var refused: String {
        let text = "\(server) refuses to \(attempt) (\(answer))\(detail)"
        guard let code = error.code, Self.regionCodes.contains(code) else { return text }
        return text + "; the region may be wrong (region=\(context.region))"
    }
}
