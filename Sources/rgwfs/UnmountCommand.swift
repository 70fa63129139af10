import RGWBase
import RGWHost
import RGWMount
import RGWVFS

/// `umount.rgwfs`, which umount(8) runs: uploads what waits, then unmounts.
///
/// Everything that can wait for the mount runs in child processes, so that a mount that hangs
/// cannot hang the command: a process that waits for FUSE may not be killable.
enum UnmountCommand {
    private enum Drain {
        case done
        case failed
        /// Over its time; the child may still hold the root open.
        case late(isStuck: Bool)
    }

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
        guard let (path, mount) = try find(arguments.mountPoint) else {
            return fail(.mountFailed, "\(arguments.mountPoint) is not a mount of rgwfs")
        }
        var isLazy = arguments.isLazy
        // Forced and lazy are for mounts that do not answer; rgwfs itself still uploads after a
        // lazy one.
        if !arguments.isForced, !arguments.isLazy {
            let drain = try drain(path, time: drainTimeout(source: mount.source))
            if case .late(isStuck: true) = drain { isLazy = true }
            if case .done = drain {
            } else {
                let isClean = try tellLeftover(path, program)
                if arguments.isStrict, !isClean {
                    return fail(.mountFailed, "\(path) stays mounted (--strict)")
                }
            }
        }
        try Unmounting.unmount(path, forced: arguments.isForced, lazily: isLazy)
        // The line may be gone already, and then there is nothing to do.
        _ = UserMountTable.remove(mountPoint: path)
        return ExitStatus.success.rawValue
    }

    /// The mount table's name for the directory, found without touching the mount if that is
    /// possible.
    private static func find(_ name: String) throws(HostError) -> (String, HostMount)? {
        var absolute = name
        while absolute.utf8.count > 1, absolute.hasSuffix("/") { absolute.removeLast() }
        if !absolute.hasPrefix("/") {
            absolute = try HostSurroundings.workingDirectory() + "/" + absolute
        }
        if let mount = try HostMounts.mount(at: absolute) {
            return mount.type == "fuse.rgwfs" ? (absolute, mount) : nil
        }
        let real = try HostSurroundings.realPath(absolute)
        guard let mount = try HostMounts.mount(at: real), mount.type == "fuse.rgwfs" else {
            return nil
        }
        return (real, mount)
    }

    /// From the configuration file's sections for the source; its mistakes were told at the mount.
    private static func drainTimeout(source: String) -> Duration {
        var settings = MountSettings()
        guard let source = try? MountSource(parsing: source),
            let contents = try? HostFile.read(ConfigurationFile.defaultPath),
            let file = try? ConfigurationFile(
                parsing: contents.bytes, path: ConfigurationFile.defaultPath),
            (try? file.apply(for: source, to: &settings)) != nil
        else { return MountSettings().volume.drainTimeout }
        return settings.volume.drainTimeout
    }

    /// fsync of the root waits for everything below it and reports errors.
    private static func drain(_ path: String, time: Duration) throws(HostError) -> Drain {
        let clock = HostClock()
        let child = try HostChild.fork {
            do throws(HostError) {
                try HostDescriptor(path, .directory).sync()
                return 0
            } catch { return 1 }
        }
        let progress =
            HostSurroundings.isTerminal(2) ? try HostChild.fork { showProgress(path) } : nil
        defer { if let progress { end(progress) } }
        let deadline = clock.now() + time
        while true {
            if let status = try child.poll() { return status == 0 ? .done : .failed }
            guard clock.now() < deadline else { break }
            sleep(.milliseconds(20))
        }
        try child.kill()
        let patience = clock.now() + .seconds(2)
        while clock.now() < patience {
            if try child.poll() != nil { return .late(isStuck: false) }
            sleep(.milliseconds(20))
        }
        return .late(isStuck: true)
    }

    /// In a child, until it is killed.
    private static func showProgress(_ path: String) -> Int32 {
        // A drain that is over at once shows nothing.
        sleep(.milliseconds(500))
        while let status = MountedDirectory.status(of: path) {
            StandardError.write("\r\u{1B}[K\(status.progress)")
            sleep(.milliseconds(250))
        }
        return 0
    }

    private static func end(_ progress: HostChild) {
        do throws(HostError) {
            try progress.kill()
            StandardError.write("\r\u{1B}[K")
        } catch { StandardError.print("\(error)") }
    }

    /// Says what still waits; true: nothing does. False also when the mount does not answer.
    private static func tellLeftover(_ path: String, _ program: String) throws(HostError) -> Bool {
        let child = try HostChild.fork {
            guard let status = MountedDirectory.status(of: path) else { return 1 }
            if status.isClean { return 0 }
            let spool = MountedDirectory.spool(of: path)
            StandardError.print("\(program): \(status.leftover(spool: spool))")
            return 2
        }
        let clock = HostClock()
        let deadline = clock.now() + .seconds(2)
        while clock.now() < deadline {
            switch try child.poll() {
            case nil: sleep(.milliseconds(20))
            case 0?: return true
            case 2?: return false
            default:
                StandardError.print(
                    "\(program): \(path) does not answer; what waits stays in its "
                        + "spool and uploads at the next mount")
                return false
            }
        }
        try child.kill()
        StandardError.print(
            "\(program): \(path) does not answer; what waits stays in its spool and "
                + "uploads at the next mount")
        return false
    }

    private static func sleep(_ time: Duration) {
        let pause = HostCondition<Void>(())
        _ = pause.wait(until: HostClock().now() + time) { _ in nil as Void? }
    }

    private static func reason(_ error: HostError, _ mountPoint: String) -> String {
        switch error.errno {
        // EBUSY, ENOENT and EPERM, errno.h.
        case 16: "\(mountPoint) is busy: a program still uses it"
        case 2: "\(mountPoint) does not exist"
        case 1: "\(mountPoint): not permitted"
        default: "\(error)"
        }
    }
}
