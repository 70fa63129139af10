import ArgumentParser
import RGWAttributes
import RGWControl
import RGWHost
import RGWMount

/// What is cached on disk of one source.
struct CacheReport {
    var directory: String
    /// nil: there is none, or it cannot be used.
    var attributes: SQLiteAttributes.Size?

    var json: JSONValue {
        .object([
            "directory": .string(directory),
            "attributes": attributes.map {
                .object(["objects": .integer($0.objects), "bytes": .integer($0.bytes)])
            } ?? .null,
        ])
    }

    /// Of a mount's answer.
    static func text(_ answer: JSONValue) -> String {
        let directory = Shown.text(answer["directory"]?.text ?? "")
        guard let attributes = answer["attributes"], let objects = attributes["objects"]?.integer,
            let bytes = attributes["bytes"]?.integer
        else { return "\(directory): no attributes are kept" }
        return "\(directory): attributes of \(objects) objects, \(bytes / 1024) KiB"
    }
}

extension CacheReport {
    /// Of a source that nobody has mounted.
    init(of spool: CataloguedSpool) {
        self.init(directory: AttributeCache.directory(of: spool))
        let path = AttributeCache.path(in: directory)
        let status = try? HostNames.status(path)
        guard status != nil else { return }
        let store = SQLiteAttributes(path: path) { _ in }
        attributes = store.size()
        store.close()
    }
}

extension Commands {
    struct Cache: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or empty the caches on disk.",
            subcommands: [CacheStatus.self, CacheDrop.self])
    }

    struct CacheStatus: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Show what is cached on disk.")
        @Flag(help: "Print JSON.") var json = false
        @Argument(help: "A mount point or a source.") var target: String

        mutating func run() throws {
            try Command.run("cache status") {
                let spool = try CommandTarget(target).spool
                let answer =
                    try ControlClient(spool: spool.path)?.ask(.cacheStatus)
                    ?? CacheReport(of: spool).json
                Command.print(json ? answer.line : CacheReport.text(answer))
            }
        }
    }

    struct CacheDrop: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop",
            abstract: "Empty the caches on disk; nothing is lost but time.")
        @Flag(help: "Print JSON.") var json = false
        @Argument(help: "A mount point or a source.") var target: String

        mutating func run() throws {
            try Command.run("cache drop") {
                let spool = try CommandTarget(target).spool
                let answer: JSONValue
                if let client = ControlClient(spool: spool.path) {
                    answer = try client.ask(.cacheDrop)
                } else {
                    SQLiteAttributes.remove(
                        AttributeCache.path(in: AttributeCache.directory(of: spool)))
                    answer = CacheReport(of: spool).json
                }
                if json { Command.print(answer.line) }
            }
        }
    }
}
