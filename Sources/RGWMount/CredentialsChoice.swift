package import RGWClient
import RGWWire

/// What requests of a mount are signed with, and where it came from.
package struct CredentialsChoice: Equatable, Sendable {
    /// Where the keys, or the way to them, were found; a file is reread on SIGHUP.
    package enum Origin: Equatable, Sendable {
        case file(path: String, profile: String?)
        case environment
        /// `credential_process=`, or `role_arn=` with `web_identity_token_file=`.
        case options
        /// `public_bucket`
        case anonymous
    }

    package let origin: Origin
    package let source: CredentialsSource
    /// Where profiles may be as well as in the origin's file.
    let configPath: String?
    /// `role_arn=`: the role to take on with what the origin has.
    let role: RoleRequest?

    init(
        origin: Origin, source: CredentialsSource, configPath: String? = nil,
        role: RoleRequest? = nil
    ) {
        self.origin = origin
        self.source = source
        self.configPath = configPath
        self.role = role
    }

    /// What is there without asking anybody; nil: a session has to be fetched.
    package var credentials: Credentials? { source.keys }

    /// The files whose change means that the source is to be read again.
    package var files: [String] {
        guard case .file(let path, _) = origin else { return [] }
        return [path] + (configPath.map { [$0] } ?? [])
    }
}

extension Credentials {
    /// The access key's id, which is no secret; nil for anonymous requests.
    package var accessKeyID: String? {
        if case .keys(let accessKey, _, _) = self { return accessKey }
        return nil
    }
}
