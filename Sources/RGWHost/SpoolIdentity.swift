/// Which part of which store a spool's files belong to.
package struct SpoolIdentity: Equatable, Sendable {
    /// As the mount uses it, for example `http://rgw.example:7480`.
    package var endpoint: String
    /// `bucket`, `tenant:bucket`, or `allBuckets`.
    package var bucket: String
    /// Empty, or ends in `/`.
    package var prefix: String

    /// No bucket has this name.
    package static let allBuckets = "/"

    package init(endpoint: String, bucket: String, prefix: String) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.prefix = prefix
    }
}
