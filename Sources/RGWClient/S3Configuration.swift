/// How the client speaks to its endpoint; fixed for its life.
package struct S3Configuration: Equatable, Sendable {
    package enum SignatureVersion: Int, Sendable, CaseIterable {
        case v2 = 2
        case v4 = 4
    }

    /// nfs(5)'s words: `soft` gives up after `retrans` retries, `hard` tries for ever what may be
    /// tried.
    package enum Recovery: Sendable, CaseIterable {
        case soft
        case hard
    }

    package var endpoint: Endpoint
    package var region = "default"
    package var signatureVersion = SignatureVersion.v4
    /// Signature version 4 covers the bodies of requests: each is hashed before it is sent.
    package var signsPayload = false
    package var connectTimeout: Duration = .seconds(10)
    /// The longest silence within one attempt.
    package var timeo: Duration = .seconds(60)
    /// Retries after the first attempt.
    package var retrans = 5
    package var recovery = Recovery.soft
    /// Sent when creating a bucket only if set: RGW refuses any but its own zone group's.
    package var locationConstraint: String?
    /// Bytes of a part of a multipart upload, unless more are needed to stay within 10,000 parts.
    package var partSize: UInt64 = 64 << 20
    /// Parts of one upload under way at once.
    package var parallelParts = 3

    /// After so many deletes of one version, each with a HEAD before it, it is worth finding out
    /// whether the server needs that; nil: never.
    package var probesAfterDeletes: Int? = 100

    package init(endpoint: Endpoint) { self.endpoint = endpoint }

    /// How often a request is repeated; nil: until the server answers.
    package var retriesMax: Int? { recovery == .hard ? nil : max(0, retrans) }

    var retryPolicy: RetryPolicy { RetryPolicy(retriesMax: retriesMax) }
}
