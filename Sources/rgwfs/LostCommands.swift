import ArgumentParser
import RGWControl
import RGWHost
import RGWMount

extension Commands {
    struct Lost: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List, export or drop data that recovery could not put back under a name.",
            subcommands: [List.self, Export.self, Drop.self])

        /// The spools meant: one, or all that this user knows of.
        static func spools(_ target: String?) throws -> [CataloguedSpool] {
            if let target { return [try CommandTarget(target).spool] }
            return try SpoolCatalogue.list(try LiveEnvironment())
        }

        /// The one spool that has the entry.
        static func holder(_ identifier: String, _ target: String?) throws -> CataloguedSpool {
            let found = try spools(target).filter { spool in
                try LostEntries.list(in: spool.path).contains { $0.identifier == identifier }
            }
            guard let first = found.first else {
                throw CommandTarget.NotFound(
                    description: "there is no lost entry \(Shown.text(identifier)); see rgwfs lost "
                        + "list")
            }
            guard found.count == 1 else {
                throw CommandTarget.NotFound(
                    description: "several spools have a lost entry of that name; name one with --of"
                )
            }
            return first
        }

        struct List: ParsableCommand {
            static let configuration = CommandConfiguration(abstract: "List the entries.")
            @Flag(help: "Print JSON, one line for each entry.") var json = false
            @Argument(help: "A mount, a source or a spool; without it, all spools.")
            var target: String?

            mutating func run() throws {
                try Command.run("lost list") {
                    for spool in try Lost.spools(target) {
                        for entry in try LostEntries.list(in: spool.path) {
                            Command.print(json ? Self.json(entry, spool) : Self.line(entry, spool))
                        }
                    }
                }
            }

            private static func json(_ entry: LostEntry, _ spool: CataloguedSpool) -> String {
                JSONValue.object([
                    "id": .string(entry.identifier), "bytes": .integer(entry.bytes),
                    "note": .string(entry.note), "spool": .string(spool.path),
                    "source": .string(spool.source),
                ]).line
            }

            private static func line(_ entry: LostEntry, _ spool: CataloguedSpool) -> String {
                "\(entry.identifier)  \(ByteCount.text(entry.bytes))  "
                    + "\(Shown.text(spool.source))  \(Shown.text(entry.note))"
            }
        }

        struct Export: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Copy an entry's data to a new file. The entry is kept.")
            @Option(name: .customLong("of"), help: "A mount, a source or a spool.")
            var target: String?
            @Argument(help: "As rgwfs lost list shows it.") var id: String
            @Argument(help: "A file that does not exist yet.") var destination: String

            mutating func run() throws {
                try Command.run("lost export") {
                    let spool = try Lost.holder(id, target)
                    try LostEntries.export(id, in: spool.path, to: destination)
                }
            }
        }

        struct Drop: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Delete an entry and its data permanently.")
            @Option(name: .customLong("of"), help: "A mount, a source or a spool.")
            var target: String?
            @Argument(help: "As rgwfs lost list shows it.") var id: String

            mutating func run() throws {
                try Command.run("lost drop") {
                    try LostEntries.drop(id, in: Lost.holder(id, target).path)
                }
            }
        }
    }
}
