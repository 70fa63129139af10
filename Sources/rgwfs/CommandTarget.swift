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
            spool = try Self.spool(ofMount: mount, in: environment)
            self.path = path
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
    private static func mount(above path: String) throws -> (point: String, path: String)? {
        let points = try HostMounts.list().filter { $0.type == "fuse.rgwfs" }.map(\.mountPoint)
        let above = points.filter { path == $0 || path.hasPrefix("\($0)/") }
        guard let point = above.max(by: { $0.utf8.count < $1.utf8.count }) else {
            // A name that leads there through a symbolic link.
            guard !points.isEmpty, let real = try? HostSurroundings.realPath(path), real != path
            else { return nil }
            return try mount(above: real)
        }
        return (point, String(path.dropFirst(point.count).drop { $0 == "/" }))
    }

    private static func spool(
        ofMount point: String, in environment: LiveEnvironment
    ) throws -> CataloguedSpool {
        let all = try SpoolCatalogue.list(environment)
        // A mount that died has its owner in the list, too; the last one to mount there is meant.
        let here = all.filter { $0.owner?.mountPoint == point }
        if let found = here.first(where: \.isRunning) { return found }
        // Root may have to do with somebody else's.
        let mine = HostProcess.effectiveUser
        if let user = try HostMounts.mount(at: point)?.user, user != mine {
            let theirs = OtherUsers.spools(of: user).filter { $0.owner.mountPoint == point }
                .compactMap { SpoolCatalogue.spool(at: $0.spool) }
            if let found = theirs.first(where: \.isRunning) ?? theirs.first { return found }
        }
        // In nobody's list: the mount says it, if it lives.
        let path = try HostChild.ask(within: .seconds(2)) {
            let text = try? HostAttributes.text("user.rgwfs.spool", of: point)
            return text
        }
        if let found = path.flatMap({ SpoolCatalogue.spool(at: $0) }) ?? here.first { return found }
        throw NotFound(
            description:
                "the mount on \(Shown.text(point)) does not answer, or it is another user's: "
                + "name its spool")
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
