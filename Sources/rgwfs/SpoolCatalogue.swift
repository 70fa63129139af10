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
    /// Of a mount that only reads: nothing ever waits in it.
    var isReadOnly = false

    /// The directory's name: the spool's id.
    var identifier: String { String(path.split(separator: "/").last ?? "") }
    /// A process has it.
    var isRunning: Bool { SpoolLock.isHeld(in: path) }

    var source: String { Self.source(of: identity) }

    static func source(of identity: SpoolIdentity) -> String {
        KnownSpool(
            spool: "", identity: identity, isReadOnly: false, owner: .current(mountPoint: "")
        ).source
    }
}

/// A directory that is a spool, or was one, and cannot be used as it is.
struct UnusableSpool {
    var path: String
    /// What the list of spools says that it is of; nil: it is not in the list.
    var identity: SpoolIdentity?
    /// A sentence for the user.
    var reason: String

    var identifier: String { String(path.split(separator: "/").last ?? "") }
    var source: String? { identity.map(CataloguedSpool.source) }
    var error: ControlError {
        ControlError(.failed, "the spool \(Shown.text(path)) cannot be used: \(Shown.text(reason))")
    }
}

/// All spools that this user can know of: those in the default place, and those of `spool=`.
enum SpoolCatalogue {
    enum Entry {
        case usable(CataloguedSpool)
        case unusable(UnusableSpool)
    }

    /// In the order of their paths.
    static func entries(_ environment: LiveEnvironment) throws(HostError) -> [Entry] {
        guard let base = SpoolLocation.defaultBase(in: environment) else { return [] }
        var known: [String: KnownSpool] = [:]
        for spool in try KnownSpools(base: base).list() { known[spool.spool] = spool }
        var paths = Set(known.keys)
        for name in try HostNames.list(base) ?? [] where isIdentifier(name) {
            paths.insert("\(base)/\(name)")
        }
        return paths.sorted().compactMap { entry(at: $0, known: known[$0]) }
    }

    static func list(_ environment: LiveEnvironment) throws(HostError) -> [CataloguedSpool] {
        try entries(environment).compactMap { entry in
            if case .usable(let spool) = entry { return spool }
            return nil
        }
    }

    /// Nil: no spool is there, or not one that this user may look at.
    static func spool(at path: String) -> CataloguedSpool? {
        guard case .usable(let spool)? = entry(at: path, known: nil) else { return nil }
        return spool
    }

    /// Nil: there is nothing that looks like a spool.
    static func entry(at path: String, known: KnownSpool?) -> Entry? {
        func unusable(_ reason: String) -> Entry {
            .unusable(UnusableSpool(path: path, identity: known?.identity, reason: reason))
        }
        do throws(SpoolError) {
            guard let format = try SpoolDirectory.format(of: path) else {
                return reasonWithoutFormat(path, known).map(unusable)
            }
            guard format.minReader <= SpoolFormat.current else {
                return unusable("its format is \(format.version), which needs a newer rgwfs")
            }
            let owner = try? SpoolLock.owner(of: path)
            return .usable(
                CataloguedSpool(
                    path: path, identity: format.identity, owner: owner,
                    isReadOnly: known?.isReadOnly ?? false))
        } catch {
            switch error {
            case .failed(_, let errno):
                // Any directory may be unreadable, or a file.
                guard known != nil || isIdentifier(lastPart(path)) else { return nil }
                return unusable("it cannot be read: \(HostError("", errno: errno).reason)")
            default: return unusable("\(error)")
            }
        }
    }

    private static func lastPart(_ path: String) -> String {
        String(path.split(separator: "/").last ?? "")
    }

    /// The directory is there, and its FORMAT is not.
    private static func reasonWithoutFormat(_ path: String, _ known: KnownSpool?) -> String? {
        do throws(HostError) {
            if let known, try known.isOutOfSight() {
                return "its file system, \(known.filesystem ?? ""), is not mounted"
            }
            guard let names = try HostNames.list(path) else { return nil }
            let parts = ["LOCK", "journal.db", "data", "lost"].filter(names.contains)
            guard known != nil || isIdentifier(lastPart(path)),
                !parts.isEmpty
            else { return nil }
            return "its file FORMAT is missing: restore it from a backup, or save what is in "
                + "\(path)/data"
        } catch { return "it cannot be read: \(error.reason)" }
    }

    /// 16 hexadecimal digits, as `SpoolLocation` makes them.
    private static func isIdentifier(_ name: String) -> Bool {
        name.utf8.count == 16 && UInt64(name, radix: 16) != nil
    }
}
