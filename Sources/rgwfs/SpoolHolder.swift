import Logging
import RGWBase
import RGWClient
import RGWControl
import RGWHost
import RGWMount
import RGWObject
import RGWSpool
import RGWVFS

/// Getting a spool from whoever has it: a mount keeps it, a process that only uploads the rest of
/// an earlier mount hands it over.
enum SpoolHolder {
    /// How long a mount may take to say that it is one.
    private static let patience = Duration.milliseconds(500)

    /// Before anything else is done: a second mount fails at once, whatever the server does.
    static func refuseIfMounted(_ plan: MountPlan) throws(MountFailure) {
        let spool = plan.spool.directory
        let report: MountReport?
        do {
            report = try ControlClient.report(spool: spool, patience: patience)
        } catch {
            // It listens and does not answer: is it mounted as its lock says?
            guard SpoolLock.isHeld(in: spool), let owner = try? SpoolLock.owner(of: spool),
                (try? HostMounts.mount(at: owner.mountPoint))?.type == "fuse.rgwfs"
            else { return }
            throw mounted(plan, process: owner.process, at: owner.mountPoint)
        }
        guard let report, report.life == .mounted else { return }
        throw mounted(plan, process: report.process, at: report.mountPoint)
    }

    private static func mounted(
        _ plan: MountPlan, process: Int32, at mountPoint: String
    ) -> MountFailure {
        .spool("\(plan.source) is already mounted by pid \(process) at \(mountPoint)")
    }

    private static func identity(_ plan: MountPlan) -> SpoolIdentity {
        SpoolIdentity(
            endpoint: plan.server.description,
            bucket: plan.source.bucket?.description ?? SpoolIdentity.allBuckets,
            prefix: String(decoding: plan.source.prefix, as: UTF8.self))
    }

    /// The spool with its lock. A process that drains it is asked to stop, and waited for as long
    /// as for the server.
    static func takeOver(
        _ plan: MountPlan, _ clock: HostClock
    ) throws(MountFailure) -> SpoolDirectory {
        let path = plan.spool.directory
        try refuseIfOutOfSight(plan)
        return try takeOver(
            path, identity: identity(plan), mountPoint: plan.mountPoint.path,
            deadline: clock.now() + plan.settings.client.connectTimeout)
    }

    /// Where it is mounted; nil where the system does not tell.
    private static func filesystem(of path: String) -> String? {
        do throws(HostError) {
            return try HostMounts.mount(of: HostSurroundings.realPath(path))?.mountPoint
        } catch { return nil }
    }

    /// What waits there is not to be forgotten for a new spool below an empty mount point.
    static func refuseIfOutOfSight(_ plan: MountPlan) throws(MountFailure) {
        let path = plan.spool.directory
        let missing: (mountPoint: String, noted: String)?
        do throws(HostError) {
            missing = try KnownSpools(base: plan.spool.registry).missingFilesystem(of: path)
        } catch {
            // Without the list nothing is known of it.
            return
        }
        guard let (mountPoint, noted) = missing else { return }
        throw .spool(
            "the spool \(path) is on the file system of \(mountPoint), which is not mounted "
                + "(to begin an empty spool instead, remove \(noted))")
    }

    static func takeOver(
        _ path: String, identity: SpoolIdentity, mountPoint: String, deadline: Instant
    ) throws(MountFailure) -> SpoolDirectory {
        let pause = HostCondition<Void>(())
        var isAsked = false
        while true {
            do throws(SpoolError) {
                return try SpoolDirectory(path: path, identity: identity, mountPoint: mountPoint)
            } catch {
                guard case .busy = error, HostClock().now() < deadline else {
                    throw .spool(SpoolSentence.text(error, spool: path))
                }
            }
            if !isAsked { isAsked = try askForHandOver(path) }
            _ = pause.wait(until: HostClock().now() + .milliseconds(20)) { _ in nil as Void? }
        }
    }

    /// False: nobody answered; ask again.
    private static func askForHandOver(_ spool: String) throws(MountFailure) -> Bool {
        guard let client = ControlClient(spool: spool) else { return false }
        do {
            _ = try client.ask(.handOver, patience: .seconds(2))
            return true
        } catch let error as ControlError where error.code == .wrongState {
            throw .spool("the spool \(spool) is in use: \(error)")
        } catch { return false }
    }

    /// Notes the mount in the list of spools; refuses one that changes the same keys as another.
    static func register(_ plan: MountPlan, _ log: Logger) throws(MountFailure) {
        let mount = KnownSpool(
            spool: plan.spool.directory,
            identity: identity(plan),
            isReadOnly: plan.volume.readOnly,
            owner: .current(mountPoint: plan.mountPoint.path),
            filesystem: filesystem(of: plan.spool.directory))
        if plan.mountPoint.path.isEmpty { return }
        let deadline = HostClock().now() + plan.settings.client.connectTimeout
        let pause = HostCondition<Void>(())
        while true {
            let other: KnownSpool?
            do throws(HostError) {
                other = try KnownSpools(base: plan.spool.registry)
                    .add(
                        mount, allowingOverlap: plan.settings.allowsOverlap,
                        besides: OtherUsers.mounted())
            } catch {
                // The list protects from a mistake; without it the mount still works.
                return log.warning(
                    "the list of spools cannot be kept", metadata: ["reason": "\(error)"])
            }
            guard let other else { return }
            guard !isMounted(other), HostClock().now() < deadline else {
                throw overlap(plan, other)
            }
            // It was unmounted and is about to end.
            _ = pause.wait(until: HostClock().now() + .milliseconds(20)) { _ in nil as Void? }
        }
    }

    /// By its own word; when nobody says one, by the mount table.
    private static func isMounted(_ other: KnownSpool) -> Bool {
        let report = try? ControlClient.report(spool: other.spool, patience: patience)
        if let report { return report.life == .mounted }
        let mount = try? HostMounts.mount(at: other.owner.mountPoint)
        return mount?.type == "fuse.rgwfs"
    }

    private static func overlap(_ plan: MountPlan, _ other: KnownSpool) -> MountFailure {
        let process = other.owner.process
        guard isMounted(other) else {
            return .spool(
                "\(plan.source) overlaps with \(other.source), which was unmounted and is still "
                    + "uploading (pid \(process)): wait for it, or give allow_overlap")
        }
        return .spool(
            "\(plan.source) overlaps with \(other.source), which pid \(process) has mounted at "
                + "\(other.owner.mountPoint): mount one of them with ro, or give allow_overlap")
    }

    /// A mount that was refused leaves no spool that was not there before.
    static func leaveNothing(_ spool: SpoolDirectory, _ plan: MountPlan) {
        if spool.isNew { remove(spool, plan) }
    }

    /// A spool in which nothing waits. Its lock is still held.
    static func remove(_ spool: SpoolDirectory, _ plan: MountPlan) {
        // What cannot be removed is an empty spool that stays.
        do throws(HostError) {
            try SpoolRemoval.remove(spool.path)
            try KnownSpools(base: plan.spool.registry).remove(spool.path)
        } catch {}
    }
}
