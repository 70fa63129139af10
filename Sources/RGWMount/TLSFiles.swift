import RGWClient

/// The PEM files of TLS, checked before the mount goes to the background: libcurl would look at
/// them only when it connects, and says little of what is wrong.
package struct TLSFiles: Equatable, Sendable {
    /// Certificate authorities instead of the system's.
    package let authorities: String?
    /// A certificate by which the server knows the client.
    package let certificate: String?
    /// Its key; may be the same file.
    package let key: String?

    /// Paths become absolute: a mount in the background has another working directory.
    package init(
        _ settings: MountSettings, in environment: some MountEnvironment
    ) throws(TLSFileError) {
        let isSecure = settings.client.endpoint.scheme == .https
        authorities =
            try isSecure && settings.verifiesCertificate
            ? Self.check("cacert", settings.certificateFile, .authorities, in: environment) : nil
        guard isSecure, settings.clientCertificateFile != nil else {
            certificate = nil
            key = nil
            return
        }
        certificate = try Self.check(
            "client_cert", settings.clientCertificateFile, .certificate, in: environment)
        let name = settings.clientKeyFile == nil ? "client_cert" : "client_key"
        key = try Self.check(
            name, settings.clientKeyFile ?? settings.clientCertificateFile, .key, in: environment)
    }

    /// What a file is for.
    private enum Use {
        case authorities
        case certificate
        case key
    }

    /// A bundle of every authority there is has a quarter of that.
    private static let lengthMax = 1 << 20

    /// The absolute path of a file that has what it must have; nil for nil.
    private static func check(
        _ option: String, _ named: String?, _ use: Use, in environment: some MountEnvironment
    ) throws(TLSFileError) -> String? {
        guard let named else { return nil }
        let path = environment.absolute(named)
        switch environment.readFile(path, limit: lengthMax) {
        case .absent: throw .absent(option: option, path: path)
        case .failed(let reason): throw .unreadable(option: option, path: path, reason: reason)
        case .tooLong:
            throw .unreadable(option: option, path: path, reason: "it is longer than 1 MiB")
        case .content(let content):
            try check(option, path, content, use)
            return path
        }
    }

    /// Source: RFC 7468, and openssl(1) for the older labels.
    private static func check(
        _ option: String, _ path: String, _ content: FileContent, _ use: Use
    ) throws(TLSFileError) {
        let text = String(decoding: content.bytes, as: UTF8.self)
        guard use == .key else {
            let labels = ["-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----"]
            guard labels.contains(where: text.contains) else {
                throw .lacks(option: option, path: path, what: "certificate")
            }
            return
        }
        guard text.contains("PRIVATE KEY-----") else {
            throw .lacks(option: option, path: path, what: "private key")
        }
        guard content.permissions & 0o077 == 0 else {
            throw .exposed(path: path, permissions: content.permissions)
        }
        let isEncrypted =
            text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
        guard !isEncrypted else { throw .encrypted(path: path) }
    }
}

/// What is wrong with a PEM file: one sentence with the option and the path.
package enum TLSFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case absent(option: String, path: String)
    case unreadable(option: String, path: String, reason: String)
    case lacks(option: String, path: String, what: String)
    /// Group or others have access to a private key; `permissions` are the file's bits.
    case exposed(path: String, permissions: UInt32)
    /// A private key with a pass phrase.
    case encrypted(path: String)

    package var description: String {
        switch self {
        case .absent(let option, let path): "\(option): there is no file \(Shown.path(path))"
        case .unreadable(let option, let path, let reason):
            "\(option): cannot read \(Shown.path(path)): \(reason)"
        case .lacks(let option, let path, let what):
            "\(option): \(Shown.path(path)) has no \(what) in PEM form"
        case .exposed(let path, let permissions):
            "the private key \(Shown.path(path)) is accessible to group or others (mode "
                + "0\(String(permissions & 0o7777, radix: 8))): run chmod 600 \(Shown.path(path))"
        case .encrypted(let path):
            "the private key \(Shown.path(path)) has a pass phrase, which nobody can enter when "
                + "the machine starts: write it without one (openssl pkey)"
        }
    }
}
