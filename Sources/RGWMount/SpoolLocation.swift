package import RGWClient
import RGWCrypto
import RGWObject

/// Where a mount's changes wait. The same source of the same server and user always has the same
/// directory, so that the next mount finds what an earlier one left; keys may change in between.
package struct SpoolLocation: Equatable, Sendable {
    /// `/var/lib/rgwfs`
    package let base: String
    /// 16 hexadecimal digits.
    package let identifier: String
    package var directory: String { "\(base)/\(identifier)" }
    /// Where the list of all spools of this user is, whatever `spool=` says.
    package let registry: String

    package init(
        settings: MountSettings, server: Endpoint, source: MountSource,
        in environment: some MountEnvironment
    ) throws(MountFailure) {
        base = try Self.base(settings, in: environment)
        registry = Self.defaultBase(in: environment) ?? base
        identifier = Self.identifier(
            server: server, source: source, userID: environment.userID)
    }

    /// A spool that is there.
    init(directory: String, in environment: some MountEnvironment) {
        let parts = directory.split(separator: "/", omittingEmptySubsequences: false)
        base = parts.dropLast().joined(separator: "/")
        identifier = String(parts.last ?? "")
        registry = Self.defaultBase(in: environment) ?? base
    }

    /// The first 16 digits of SHA-256(scheme|host|port|tenant|bucket|prefix|uid).
    package static func identifier(
        server: Endpoint, source: MountSource, userID: UInt32
    ) -> String {
        var text = Array("\(server.scheme.rawValue)|\(server.host)|\(server.effectivePort)|".utf8)
        text += Array("\(source.bucket?.tenant ?? "")|\(source.bucket?.name ?? "")|".utf8)
        text += source.prefix
        text += Array("|\(userID)".utf8)
        return Hexadecimal.encode(Array(Hash.sha256(text).prefix(8)))
    }

    /// Source: XDG Base Directory Specification, "Environment variables": relative paths are
    /// invalid.
    private static func base(
        _ settings: MountSettings, in environment: some MountEnvironment
    ) throws(MountFailure) -> String {
        if let directory = settings.spoolDirectory { return environment.absolute(directory) }
        guard let base = defaultBase(in: environment) else {
            throw .spool(
                "no place for the spool: HOME and XDG_STATE_HOME are not set; give spool=DIR")
        }
        return base
    }

    /// Where this user's spools are unless `spool=` says otherwise; nil: the environment does not
    /// tell.
    package static func defaultBase(in environment: some MountEnvironment) -> String? {
        if environment.userID == 0 { return "/var/lib/rgwfs" }
        if let state = environment.variable("XDG_STATE_HOME"), state.utf8.first == 0x2F {
            return "\(state)/rgwfs"
        }
        guard let home = environment.variable("HOME"), home.utf8.first == 0x2F else { return nil }
        return "\(home)/.local/state/rgwfs"
    }
}
