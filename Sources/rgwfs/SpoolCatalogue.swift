import RGWControl
import RGWHost
import RGWMount
import RGWSpool

/// A spool of this machine, mounted or not.
struct CataloguedSpool {
    var path: String
    var identity: SpoolIdentity
    /// Who mounted it last.
    var owner: SpoolOwner?

    /// The directory's name: the spool's id.
    var identifier: String { String(path.split(separator: "/").last ?? "") }
    var isRunning: Bool { owner?.isRunning ?? false }

    var source: String {
        KnownSpool(
            spool: path, identity: identity, isReadOnly: false,
            owner: .current(mountPoint: "")
        ).source
    }
}

/// All spools that this user can know of: those in the default place, and those of `spool=`.
enum SpoolCatalogue {
    static func list(_ environment: LiveEnvironment) throws(HostError) -> [CataloguedSpool] {
        var paths: Set<String> = []
        if let base = SpoolLocation.defaultBase(in: environment) {
            for known in try KnownSpools(base: base).list() { paths.insert(known.spool) }
            for name in try HostNames.list(base) ?? [] where isIdentifier(name) {
                paths.insert("\(base)/\(name)")
            }
        }
        return paths.sorted().compactMap { spool(at: $0) }
    }

    /// Nil: no spool is there, or not one that this user may look at.
    static func spool(at path: String) -> CataloguedSpool? {
        guard let format = try? SpoolDirectory.format(of: path) else { return nil }
        let owner = try? SpoolLock.owner(of: path)
        return CataloguedSpool(path: path, identity: format.identity, owner: owner)
    }

    /// 16 hexadecimal digits, as `SpoolLocation` makes them.
    private static func isIdentifier(_ name: String) -> Bool {
        name.utf8.count == 16 && UInt64(name, radix: 16) != nil
    }
}
