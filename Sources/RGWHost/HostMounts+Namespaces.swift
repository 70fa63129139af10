/// A process in another mount namespace that has a file system mounted.
package struct HostMountHolder: Equatable, Sendable {
    package var process: Int32
    /// The program's name, at most 15 bytes. Source: proc_pid_comm(5).
    package var name: String
    package var mountPoint: String
}

extension HostMounts {
    /// Who has a file system in another mount namespace than ours: a process of each. A namespace has a
    /// copy of every mount that was there when it was made, and keeps it (mount_namespaces(7)).
    ///
    /// Processes that this user may not look into are left out.
    package static func holders(of device: HostDevice) throws(HostError) -> [HostMountHolder] {
        var seen: Set<UInt64> = []
        if let ours = try namespace(of: "self") { seen.insert(ours) }
        var found: [HostMountHolder] = []
        for name in try HostNames.list("/proc") ?? [] {
            guard let process = Int32(name), let space = namespaceIfSeen(of: name),
                seen.insert(space).inserted, let mount = mount(of: device, process: name)
            else { continue }
            let program = (try? HostFile.line("/proc/\(name)/comm")) ?? ""
            found.append(
                HostMountHolder(
                    process: process, name: program, mountPoint: mount.mountPoint))
        }
        return found
    }

    /// The number of its mount namespace; nil: no such process. Source: namespaces(7).
    private static func namespace(of process: String) throws(HostError) -> UInt64? {
        try HostNames.status("/proc/\(process)/ns/mnt")?.inode
    }

    /// Also nil for a process of somebody else, or one that ends just now.
    private static func namespaceIfSeen(of process: String) -> UInt64? {
        do throws(HostError) { return try namespace(of: process) } catch { return nil }
    }

    private static func mount(of device: HostDevice, process: String) -> HostMount? {
        do throws(HostError) {
            let text = try HostFile.read("/proc/\(process)/mountinfo", limit: 16 << 20)?.bytes
            return parse(String(decoding: text ?? [], as: UTF8.self)).last {
                $0.device == device && $0.isRGWFS
            }
        } catch {
            // It has ended meanwhile.
            return nil
        }
    }
}
