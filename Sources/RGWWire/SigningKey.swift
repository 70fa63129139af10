package import RGWBase

/// What a signer needs to sign as somebody.
package struct SigningKey: Equatable, Sendable {
    package var accessKey: String
    package var secret: Secret
    /// Sent as `x-amz-security-token` with temporary credentials (STS).
    package var sessionToken: Secret?

    package init(accessKey: String, secret: Secret, sessionToken: Secret? = nil) {
        self.accessKey = accessKey
        self.secret = secret
        self.sessionToken = sessionToken
    }
}

/// Whether the signature covers the body.
package enum PayloadSigning: Equatable, Sendable {
    /// `UNSIGNED-PAYLOAD`: Content-MD5 guards the body, and half a core is saved per stream.
    case unsigned
    /// The SHA-256 of the body, 32 bytes.
    case sha256([UInt8])
}
