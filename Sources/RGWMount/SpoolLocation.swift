package import RGWClient
import RGWCrypto
import RGWObject
import RGWVFS

/// Where a mount's changes wait. The same source of the same server and user always has the same
/// directory, so that the next mount finds what an earlier one left; keys may change in between.
package struct SpoolLocation: Equatable, Sendable {
    /// `/var/lib/rgwfs`
    package let base: String
    /// 16 hexadecimal digits.
    package let identifier: String
    package var directory: String { "\(base)/\(identifier)" }
    /// The spool of the same source when it is mounted for writing.
    private let writableIdentifier: String
    package var writableDirectory: String { "\(base)/\(writableIdentifier)" }
    /// Where what is known of the bucket is kept, which may be deleted at any time. The same for mounts of the source
    /// that only read: what one knows is of use to all.
    package var cacheDirectory: String { "\(base)/\(Self.cacheName)/\(writableIdentifier)" }
    /// Beside the spools; no spool is called so.
    package static let cacheName = "cache"
    /// Where the list of all spools of this user is, whatever `spool=` says.
    package let registry: String

    package init(
        settings: MountSettings, server: Endpoint, source: MountSource, mountPoint: MountPoint,
        in environment: some MountEnvironment
    ) throws(MountFailure) {
        base = try Self.base(settings, in: environment)
        registry = Self.defaultBase(in: environment) ?? base
        identifier = Self.identifier(
            server: server, source: source, userID: environment.userID,
            readOnlyAt: settings.volume.readOnly ? mountPoint.path : nil)
        writableIdentifier = Self.identifier(
            server: server, source: source, userID: environment.userID)
    }

    /// A spool that is there.
    init(directory: String, in environment: some MountEnvironment) {
        let parts = directory.split(separator: "/", omittingEmptySubsequences: false)
        base = parts.dropLast().joined(separator: "/")
        identifier = String(parts.last ?? "")
        writableIdentifier = identifier
        registry = Self.defaultBase(in: environment) ?? base
    }

    /// The first 16 digits of SHA-256(scheme|host|port|tenant|bucket|prefix|uid), and for a mount that only reads
    /// |ro|mount point: any number of those may be made of a source, beside one that writes.
    package static func identifier(
        server: Endpoint, source: MountSource, userID: UInt32, readOnlyAt mountPoint: String? = nil
    ) -> String {
        var text = Array("\(server.scheme.rawValue)|\(server.host)|\(server.effectivePort)|".utf8)
        text += Array("\(source.bucket?.tenant ?? "")|\(source.bucket?.name ?? "")|".utf8)
        text += source.prefix
        text += Array("|\(userID)".utf8)
        if let mountPoint { text += Array("|ro|\(mountPoint)".utf8) }
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

    /// Root's.
    package static let systemBase = "/var/lib/rgwfs"

    /// Where this user's spools are unless `spool=` says otherwise; nil: the environment does not
    /// tell.
    package static func defaultBase(in environment: some MountEnvironment) -> String? {
        if environment.userID == 0 { return systemBase }
        var variables: [String: String] = [:]
        for name in ["XDG_STATE_HOME", "HOME"] { variables[name] = environment.variable(name) }
        return base(inVariables: variables)
    }

    /// The same for an ordinary user with these variables.
    package static func base(inVariables variables: [String: String]) -> String? {
        if let state = variables["XDG_STATE_HOME"], state.utf8.first == 0x2F {
            return "\(state)/rgwfs"
        }
        guard let home = variables["HOME"], home.utf8.first == 0x2F else { return nil }
        return "\(home)/.local/state/rgwfs"
    }
}
