import RGWControl
import RGWHost
import RGWMount

/// `mount -o remount`: asks the process that serves a mount to take over other options, and changes
/// the kernel's flags.
enum RemountCommand {
    static func run(_ arguments: MountArguments, program: String) throws(MountFailure) {
        let mount = try mount(arguments.mountPoint)
        try check(arguments, is: mount)
        var request = RemountRequest(options: arguments.optionTexts, isSloppy: arguments.isSloppy)
        request.isTrial = true
        // Before anything is changed.
        let warnings = try ask(request, of: mount)
        for warning in warnings { StandardError.print("\(program): \(warning)") }
        guard arguments.request != .pretend else { return }
        let flags = KernelFlags(shown: mount.options)
        let wanted = flags.applying(arguments)
        if wanted != flags { try change(mount, to: wanted) }
        request.isTrial = false
        _ = try ask(request, of: mount)
    }

    private static func mount(_ name: String) throws(MountFailure) -> HostMount {
        guard let mount = try found(name) else {
            throw .refused("\(Shown.text(name)) is not mounted: there is nothing to remount")
        }
        guard mount.isRGWFS else {
            throw .refused(
                "\(Shown.text(name)) is a mount of \(Shown.text(mount.type)), not of rgwfs")
        }
        return mount
    }

    private static func found(_ name: String) throws(MountFailure) -> HostMount? {
        do throws(HostError) {
            let directory = try LiveEnvironment().workingDirectory
            let absolute = CommandTarget.normalized(name, in: directory)
            if let mount = try HostMounts.mount(at: absolute) { return mount }
            guard let real = try? HostSurroundings.realPath(absolute) else { return nil }
            return try HostMounts.mount(at: real)
        } catch { throw .system("\(error)") }
    }

    private static func check(
        _ arguments: MountArguments, is mount: HostMount
    ) throws(MountFailure) {
        let source: String
        do throws(SourceError) {
            source = try MountSource(parsing: arguments.source).description
        } catch { throw .source(error) }
        guard source == mount.source else {
            throw .refused(
                "\(Shown.text(arguments.mountPoint)) is a mount of \(Shown.text(mount.source)), "
                    + "not of \(Shown.text(source))")
        }
    }

    /// What the mount's process wants to be told to the user.
    private static func ask(
        _ request: RemountRequest, of mount: HostMount
    ) throws(MountFailure) -> [String] {
        do {
            let target = try CommandTarget(mount.mountPoint)
            return RemountRequest.warnings(
                in: try Command.client(target.spool).ask(.remount(request)))
        } catch let error as ControlError where error.code == .badRequest {
            throw .refusedOption(error.description)
        } catch { throw .refused(Command.explain(error).0) }
    }

    private static func change(
        _ mount: HostMount, to flags: KernelFlags
    ) throws(MountFailure) {
        do throws(HostError) {
            try HostMounts.remount(mount, flags: flags.names)
        } catch {
            let point = Shown.text(mount.mountPoint)
            // EBUSY, errno.h.
            guard error.errno == 16 else { throw .refused("\(point): \(error.reason)") }
            throw .refused("\(point) is busy: a file is open for writing")
        }
    }
}
