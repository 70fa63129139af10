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
            let (leftover, isStuck) = try drainOrTell(path, source: mount.source)
            if let leftover {
                StandardError.print("\(program): \(leftover)")
                if arguments.isStrict {
                    return fail(.mountFailed, "\(path) stays mounted (--strict)")
                }
            }
            isLazy = isStuck
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

    /// Waits for uploads. `leftover` is what could not be waited for, as a sentence; `isStuck`: a
    /// child still holds the root open, so only a lazy unmount is possible.
    private static func drainOrTell(
        _ path: String, source: String
    ) throws(HostError) -> (leftover: String?, isStuck: Bool) {
        let before = try leftover(path)
        let drain = try drain(path, time: drainTimeout(source: source))
        var isStuck = false
        switch drain {
        case .done: return (nil, false)
        case .failed: break
        case .late(let holdsRoot): isStuck = holdsRoot
        }
        // A mount that waits for its server may not answer any more: then what it said before.
        let after = try leftover(path) ?? before
        let unknown =
            "\(path) does not answer; what waits stays in its spool and uploads at the next mount"
        let sentence = after ?? unknown
        return (sentence.isEmpty ? nil : sentence, isStuck)
    }

    /// fsync of the root waits for everything below it and reports errors.
    private static func drain(_ path: String, time: Duration) throws(HostError) -> Drain {
        let child = try HostChild.fork(quietly: true) {
            do throws(HostError) {
                try HostDescriptor(path, .directory).sync()
                return 0
            } catch { return 1 }
        }
        let progress =
            HostSurroundings.isTerminal(2) ? try HostChild.fork { showProgress(path) } : nil
        defer { if let progress { end(progress) } }
        if let status = try child.poll(for: time) { return status == 0 ? .done : .failed }
        try child.kill()
        return .late(isStuck: try child.poll(for: .seconds(2)) == nil)
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

    /// What the mount says of itself within two seconds; nil: it does not answer. Empty: it is
    /// clean.
    private static func leftover(_ path: String) throws(HostError) -> String? {
        try HostChild.ask(within: .seconds(2)) {
            guard let status = MountedDirectory.status(of: path) else { return nil }
            return status.isClean ? "" : status.leftover(spool: MountedDirectory.spool(of: path))
        }
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
