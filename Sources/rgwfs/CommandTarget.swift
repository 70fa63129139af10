import RGWControl
import RGWHost
import RGWMount

/// What a command is about: `MNT`, a path below it, `SOURCE`, or a spool's directory.
struct CommandTarget {
    /// Why nothing was found: one sentence.
    struct NotFound: Error, CustomStringConvertible {
        var description: String
    }

    let spool: CataloguedSpool
    /// Below the mount; empty for the mount itself and for a source.
    let path: String

    /// Names of the file system come first, as far as they can be recognised without touching a
    /// mount, which may hang.
    init(_ text: String) throws {
        let environment = try LiveEnvironment()
        let absolute = Self.normalized(text, in: environment.workingDirectory)
        if let (mount, path) = try Self.mount(above: absolute) {
            spool = try Self.spool(of: mount, in: environment)
            // What of the file system is mounted there: not `/` for a bind mount.
            self.path = [String(mount.root.dropFirst()), path].filter { !$0.isEmpty }
                .joined(separator: "/")
            return
        }
        switch SpoolCatalogue.entry(at: absolute, known: nil) {
        case .usable(let spool):
            self.spool = spool
            path = ""
            return
        case .unusable(let spool): throw spool.error
        case nil: break
        }
        // A slash alone is the source that shows all buckets.
        let isPath = absolute != "/" && text.hasPrefix("/") || text.hasPrefix(".")
        guard !isPath else {
            throw NotFound(description: "\(Shown.text(text)) is not in a mount of rgwfs")
        }
        spool = try Self.spool(ofSource: text, in: environment)
        path = ""
    }

    /// The innermost mount of rgwfs at or above a path.
    private static func mount(above path: String) throws -> (mount: HostMount, path: String)? {
        let mounts = try HostMounts.list().filter(\.isRGWFS)
        let above = mounts.filter { path == $0.mountPoint || path.hasPrefix("\($0.mountPoint)/") }
        // Of several at one directory the last is on top.
        let inner = above.indices.max {
            (above[$0].mountPoint.utf8.count, $0) < (above[$1].mountPoint.utf8.count, $1)
        }
        guard let mount = inner.map({ above[$0] }) else {
            // A name that leads there through a symbolic link.
            guard !mounts.isEmpty, let real = try? HostSurroundings.realPath(path), real != path
            else { return nil }
            return try self.mount(above: real)
        }
        let rest = path.dropFirst(mount.mountPoint.count).drop { $0 == "/" }
        return (mount, String(rest))
    }

    /// How long each of the processes that may serve a mount may take to say so.
    private static let patience = Duration.seconds(1)

    /// The spool of a mount: that of the process which serves it, not of one that had a mount there
    /// before and still uploads, nor of one that is dead.
    private static func spool(
        of mount: HostMount, in environment: LiveEnvironment
    ) throws -> CataloguedSpool {
        let all = try SpoolCatalogue.list(environment)
        // Who mounted there is the likely one; through a bind mount it is another.
        let here = all.filter { $0.owner?.mountPoint == mount.mountPoint }
        let elsewhere = all.filter { $0.owner?.mountPoint != mount.mountPoint }
        var silent: [CataloguedSpool] = []
        for spool in here + elsewhere {
            do {
                let report = try ControlClient.report(spool: spool.path, patience: patience)
                if let report, report.serves(mount) { return spool }
            } catch  where spool.owner?.mountPoint == mount.mountPoint {
                silent.append(spool)
            } catch {
                // It may serve another mount, and is not asked for that.
            }
        }
        // One that hangs is known by where it mounted.
        if let spool = silent.first(where: { $0.source == mount.source }) { return spool }
        // Root may have to do with somebody else's.
        if let user = mount.user, user != HostProcess.effectiveUser {
            let theirs = OtherUsers.spools(of: user)
                .filter { $0.owner.mountPoint == mount.mountPoint }
                .compactMap { SpoolCatalogue.spool(at: $0.spool) }
            if let found = theirs.first(where: \.isRunning) ?? theirs.first { return found }
        }
        // In nobody's list: the mount says it, if it lives.
        let path = try HostChild.ask(within: .seconds(2)) {
            let text = try? HostAttributes.text("user.rgwfs.spool", of: mount.mountPoint)
            return text
        }
        if let found = path.flatMap({ SpoolCatalogue.spool(at: $0) }) { return found }
        // The mount of one that died: its owner is still noted.
        let dead = here.filter { !$0.isRunning }
        if let spool = dead.first(where: { $0.source == mount.source }) ?? dead.first {
            return spool
        }
        throw NotFound(
            description:
                "the mount on \(Shown.text(mount.mountPoint)) does not answer, or it is another "
                + "user's: name its spool")
    }

    private static func spool(
        ofSource text: String, in environment: LiveEnvironment
    ) throws -> CataloguedSpool {
        let source: String
        do { source = try MountSource(parsing: text).description } catch { source = text }
        var all: [CataloguedSpool] = []
        var unusable: UnusableSpool?
        for entry in try SpoolCatalogue.entries(environment) {
            switch entry {
            case .usable(let spool):
                if spool.source == source || spool.identifier == text { all.append(spool) }
            case .unusable(let spool):
                if spool.source == source || spool.identifier == text { unusable = spool }
            }
        }
        if all.isEmpty, let unusable { throw unusable.error }
        // Nothing waits in those of mounts that only read.
        if all.contains(where: { !$0.isReadOnly }) { all.removeAll(where: \.isReadOnly) }
        let running = all.filter(\.isRunning)
        let found = running.count == 1 ? running : all
        guard let first = found.first else {
            throw NotFound(
                description: "\(Shown.text(text)) is neither a mount of rgwfs nor a source with a "
                    + "spool on this machine")
        }
        guard found.count == 1 else {
            let names = found.map { "\($0.path) (\($0.identity.endpoint))" }
            throw NotFound(
                description: "there are several spools of \(Shown.text(text)); name one: "
                    + names.joined(separator: ", "))
        }
        return first
    }

    /// Absolute, without `.`, `..` and empty parts, and without looking at anything.
    static func normalized(_ text: String, in directory: String) -> String {
        var parts: [Substring] = []
        let whole = text.hasPrefix("/") ? text : "\(directory)/\(text)"
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

extension MountReport {
    /// It is that mount's process: device numbers are used again, but not while somebody serves one.
    func serves(_ mount: HostMount) -> Bool {
        guard life == .mounted || life == .detached else { return false }
        // Earlier releases do not say it.
        return device.isEmpty ? mountPoint == mount.mountPoint : device == "\(mount.device)"
    }
}
