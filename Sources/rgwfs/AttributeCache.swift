import Logging
import RGWAttributes
import RGWHost
import RGWMount

/// The database of what is known of a source's objects, which any mount can do without.
enum AttributeCache {
    static func path(in directory: String) -> String { "\(directory)/attributes.db" }

    /// Of a spool that nobody has mounted. Mounts that only read leave none.
    static func directory(of spool: CataloguedSpool) -> String {
        let base = HostNames.parentDirectory(of: spool.path)
        return "\(base)/\(SpoolLocation.cacheName)/\(spool.identifier)"
    }

    /// Always gives a store; one that cannot be used knows nothing, and says why in the log.
    static func open(_ plan: MountPlan, log: Logger) -> SQLiteAttributes {
        let directory = plan.spool.cacheDirectory
        make(directory)
        return SQLiteAttributes(path: path(in: directory)) { reason in
            log.notice(
                "what is known of objects is not kept for the next mount",
                metadata: ["directory": "\(directory)", "reason": "\(reason)"])
        }
    }

    /// The directory and the one above it; nobody else may look into them. What cannot be made is told when the
    /// database cannot be opened.
    private static func make(_ directory: String) {
        for path in [HostNames.parentDirectory(of: directory), directory] {
            do throws(HostError) {
                try HostNames.makeDirectory(path, mode: 0o700)
            } catch { return }
        }
    }
}
