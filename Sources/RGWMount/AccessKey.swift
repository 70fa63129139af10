package import RGWBase

/// A key pair of an S3 user. Only `id` may be shown.
package struct AccessKey: Equatable, Sendable {
    package let id: String
    package let secret: Secret
    /// From STS; travels as x-amz-security-token.
    package let sessionToken: Secret?
    package init(id: String, secret: Secret, sessionToken: Secret? = nil) {
        self.id = id
        self.secret = secret
        self.sessionToken = sessionToken
    }
}

/// What requests of a mount are signed with, and where it came from.
package struct CredentialsChoice: Equatable, Sendable {
    /// Where the keys were found; reread on SIGHUP.
    package enum Origin: Equatable, Sendable {
        case file(path: String, profile: String?)
        case environment
        /// `public_bucket`
        case anonymous
    }

    package let origin: Origin
    /// Nil: requests are not signed.
    package let key: AccessKey?
    package init(origin: Origin, key: AccessKey?) {
        self.origin = origin
        self.key = key
    }
}
