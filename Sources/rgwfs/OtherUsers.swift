import RGWHost
import RGWMount
import RGWVFS

/// What other users have mounted, as far as this one may know: root sees all of it, others what they may read.
enum OtherUsers {
    /// The names under which the program runs, as proc_pid_comm(5) cuts them.
    private static let programs: Set<String> = [
        "rgwfs", "mount.rgwfs", "mount.fuse.rgwf", "mount.fuse.rgwfs",
    ]

    /// The spools of all mounts that other users have on this machine.
    static func mounted() -> [KnownSpool] {
        guard let mounts = try? HostMounts.list() else { return [] }
        let users = Set(mounts.filter { $0.type == "fuse.rgwfs" }.compactMap(\.user))
        let mine = HostProcess.effectiveUser
        return users.filter { $0 != mine }.sorted().flatMap { spools(of: $0) }
    }

    /// A user's list of spools, wherever that user's processes and the user database say that it is.
    static func spools(of user: UInt32) -> [KnownSpool] {
        bases(of: user).flatMap { (try? KnownSpools(base: $0).list()) ?? [] }
    }

    private static func bases(of identifier: UInt32) -> [String] {
        if identifier == 0 { return [SpoolLocation.systemBase] }
        let user = HostUser(identifier)
        var places = user.environments(ofProcesses: programs)
        if let home = user.home { places.append(["HOME": home]) }
        var bases: [String] = []
        for base in places.compactMap({ SpoolLocation.base(inVariables: $0) })
        where !bases.contains(base) { bases.append(base) }
        return bases
    }

    /// Mounts of a source of this name by users whose lists cannot be read: which server they are of, nobody can
    /// tell. A sentence for each.
    static func warnings(_ plan: MountPlan) -> [String] {
        guard !plan.volume.readOnly, !plan.settings.allowsOverlap,
            let mounts = try? HostMounts.list()
        else { return [] }
        let mine = HostProcess.effectiveUser
        return mounts.compactMap { mount in
            guard mount.type == "fuse.rgwfs", !mount.isReadOnly, let user = mount.user,
                user != mine, mount.source == plan.source.description,
                !spools(of: user).contains(where: { $0.owner.mountPoint == mount.mountPoint })
            else { return nil }
            return "warning: \(HostUser(user).name) has mounted \(mount.source) at "
                + "\(mount.mountPoint); if it is of the same server, each sees the other's changes "
                + "late, like those of another machine"
        }
    }
}
