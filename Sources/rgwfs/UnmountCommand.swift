import RGWBase
import RGWControl
import RGWHost
import RGWMount

/// `umount.rgwfs`, which umount(8) runs: uploads what waits, then unmounts.
///
/// It speaks to the mount through its socket and touches the mount itself only to take it away, so
/// that one that hangs cannot hang the command.
enum UnmountCommand {
    static func run(_ words: [String], program: String) -> Int32 {
        func fail(_ status: ExitStatus, _ sentence: String) -> Int32 {
            StandardError.print("\(program): \(sentence)")
            return status.rawValue
        }
        do throws(UnmountUsageError) {
            let arguments = try UnmountArguments(parsing: words)
            switch arguments.request {
            case .help: StandardOutput.write("Usage: \(UnmountArguments.synopsis)\n")
            case .version: StandardOutput.write("rgwfs \(Program.version)\n")
            case .unmount:
                do throws(HostError) {
                    return try unmount(arguments, program, fail)
                } catch { return fail(.mountFailed, reason(error, arguments.mountPoint)) }
            }
            return ExitStatus.success.rawValue
        } catch { return fail(.usage, "\(error)") }
    }

    private static func unmount(
        _ arguments: UnmountArguments, _ program: String,
        _ fail: (ExitStatus, String) -> Int32
    ) throws(HostError) -> Int32 {
        guard let mount = try find(arguments.mountPoint) else {
            return fail(.mountFailed, "\(arguments.mountPoint) is not a mount of rgwfs")
        }
        let path = mount.mountPoint
        // Before anything is said of what waits there: it stays mounted.
        if let owner = stranger(mount) {
            return fail(
                .mountFailed,
                "\(path) was mounted by \(owner): only that user and root can unmount it")
        }
        let spool = spool(of: path)
        if let origin = try origin(of: mount, spool) {
            // Nothing ends with it, so that there is nothing to wait for.
            try take(path, arguments)
            if HostSurroundings.isTerminal(2) {
                StandardError.print(
                    "\(program): \(path) was a bind mount; the mount at \(origin) stays")
            }
            return ExitStatus.success.rawValue
        }
        var leftover: String?
        // Forced and lazy are for mounts that do not answer; rgwfs itself still uploads after a
        // lazy one.
        if !arguments.isForced, !arguments.isLazy {
            leftover = drain(path, spool?.path)
            if let leftover {
                StandardError.print("\(program): \(leftover)")
                if arguments.isStrict {
                    return fail(.mountFailed, "\(path) stays mounted (--strict)")
                }
            }
        }
        try take(path, arguments)
        if !arguments.isLazy, let sentence = try StillMounted(mount, spool: spool?.path)?.sentence {
            StandardError.print("\(program): \(sentence)")
        } else if leftover != nil {
            finish(spool?.path)
        }
        return ExitStatus.success.rawValue
    }

    /// Out of the tree and of libmount's table.
    private static func take(
        _ path: String, _ arguments: UnmountArguments
    ) throws(HostError) {
        try Unmounting.unmount(path, forced: arguments.isForced, lazily: arguments.isLazy)
        // The line may be gone already, and then there is nothing to do.
        _ = UserMountTable.remove(mountPoint: path)
    }

    /// Where the mount is that this one was bound from, if it is still there; nil: it is that mount.
    private static func origin(
        of mount: HostMount, _ spool: CataloguedSpool?
    ) throws(HostError) -> String? {
        guard let origin = spool?.owner?.mountPoint, origin != mount.mountPoint else { return nil }
        let isThere = try HostMounts.list().contains {
            $0.device == mount.device && $0.mountPoint == origin
        }
        return isThere ? origin : nil
    }

    /// The mount at the directory, found without touching it if that is possible.
    private static func find(_ name: String) throws(HostError) -> HostMount? {
        var absolute = name
        while absolute.utf8.count > 1, absolute.hasSuffix("/") { absolute.removeLast() }
        if !absolute.hasPrefix("/") {
            absolute = try HostSurroundings.workingDirectory() + "/" + absolute
        }
        if let mount = try HostMounts.mount(at: absolute) { return mount.isRGWFS ? mount : nil }
        let real = try HostSurroundings.realPath(absolute)
        guard let mount = try HostMounts.mount(at: real), mount.isRGWFS else { return nil }
        return mount
    }

    /// Who has mounted it, when that is another user and this one is not root.
    private static func stranger(_ mount: HostMount) -> String? {
        let user = HostProcess.effectiveUser
        guard user != 0, let owner = mount.user, owner != user else { return nil }
        return HostUser(owner).name
    }

    /// Found without touching the mount if that is possible.
    private static func spool(of path: String) -> CataloguedSpool? {
        let target = try? CommandTarget(path)
        return target?.spool
    }

    /// Waits for uploads, as long as the mount's drain_timeout. What is left then, as a sentence.
    private static func drain(_ path: String, _ spool: String?) -> String? {
        let unknown =
            "\(path) does not say what waits; it stays in its spool, and uploads while its process runs "
            + "or at the next mount"
        guard let spool, let client = ControlClient(spool: spool) else { return unknown }
        let progress = ProgressLine()
        defer { progress.end() }
        do {
            let before = MountReport(try client.ask(.status))
            if let doubt = before?.doubt {
                StandardError.print(
                    "\(path): \(doubt), by this mount's process or by the next mount")
            }
            guard let before, before.state != .clean else { return nil }
            let milliseconds = Int(before.drainTimeout.inNanoseconds / 1_000_000)
            let answer = try client.ask(
                .sync(milliseconds: milliseconds), onProgress: { progress.show($0.progress) })
            guard let after = MountReport(answer) else { return unknown }
            return after.state == .clean ? nil : after.leftover
        } catch { return unknown }
    }

    /// The user was told what is left and where; the process is not to go on behind their back.
    private static func finish(_ spool: String?) {
        guard let client = spool.flatMap({ ControlClient(spool: $0) }) else { return }
        do { _ = try client.ask(.finish, patience: .seconds(2)) } catch {
            // It has ended by itself.
        }
    }

    private static func reason(_ error: HostError, _ mountPoint: String) -> String {
        switch error.errno {
        // EBUSY, ENOENT and EPERM, errno.h.
        case 16: "\(mountPoint) is busy: a process has it open (see fuser -vm \(mountPoint))"
        case 2 where error.operation != "run": "\(mountPoint) does not exist"
        default: "\(error)"
        }
    }
}
