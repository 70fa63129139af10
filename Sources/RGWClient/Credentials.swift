package import RGWBase
package import RGWObject
package import RGWWire

/// Who asks.
package enum Credentials: Equatable, Sendable {
    /// No signature: public buckets.
    case anonymous
    case keys(accessKey: String, secret: Secret, sessionToken: Secret? = nil)

    package var signingKey: SigningKey? {
        switch self {
        case .anonymous: nil
        case .keys(let accessKey, let secret, let token):
            SigningKey(accessKey: accessKey, secret: secret, sessionToken: token)
        }
    }
}

/// Where credentials come from, as a port: they may change while a mount lives.
///
/// Both calls come from the transport's thread or a caller's and must be short.
package protocol CredentialsProvider: Sendable {
    /// The credentials to sign the next attempt with.
    func current() -> Credentials
    /// Called when the server refused what a request was signed with: reads the source again, unless
    /// that has happened since; true when the credentials are others now, so that one more attempt is
    /// worth it.
    func refresh(refused: Credentials) -> Bool
    /// The same where finding out takes a while: calls back once, on any thread, at once or later.
    /// `error`: what the server said.
    func renew(
        refused: Credentials, after error: ObjectStoreError,
        then done: @escaping @Sendable (CredentialsRenewal) -> Void)
}

/// What came of asking for other credentials.
package enum CredentialsRenewal: Equatable, Sendable {
    case renewed
    /// There are no others.
    case same
    /// Whoever gives them cannot be asked now.
    case unavailable
}

extension CredentialsProvider {
    package func renew(
        refused: Credentials, after error: ObjectStoreError,
        then done: @escaping @Sendable (CredentialsRenewal) -> Void
    ) {
        done(refresh(refused: refused) ? .renewed : .same)
    }
}

/// Credentials that never change.
package struct FixedCredentials: CredentialsProvider {
    private let credentials: Credentials

    package init(_ credentials: Credentials) { self.credentials = credentials }

    package func current() -> Credentials { credentials }
    package func refresh(refused: Credentials) -> Bool { false }
}
