package import RGWClient

/// What requests of a mount are signed with, and where it came from.
package struct CredentialsChoice: Equatable, Sendable {
    /// Where the keys were found; a file is reread on SIGHUP.
    package enum Origin: Equatable, Sendable {
        case file(path: String, profile: String?)
        case environment
        /// `public_bucket`
        case anonymous
    }

    package let origin: Origin
    package let credentials: Credentials
    package init(origin: Origin, credentials: Credentials) {
        self.origin = origin
        self.credentials = credentials
    }
}

extension Credentials {
    /// The access key's id, which is no secret; nil for anonymous requests.
    package var accessKeyID: String? {
        if case .keys(let accessKey, _, _) = self { return accessKey }
        return nil
    }
}
