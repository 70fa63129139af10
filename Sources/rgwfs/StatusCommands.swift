import ArgumentParser
import RGWBase
import RGWControl
import RGWHost
import RGWMount

extension Commands {
    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the changes that have not been uploaded.",
            discussion:
                "Exits with 0 if everything is in the bucket, 1 if changes have not been uploaded, 2 "
                + "if some cannot be uploaded or the spool's disk has failed, and 3 if there is no "
                + "such mount or it does not answer.")
        @Flag(help: "Print JSON.") var json = false
        @Argument(help: "A mount point, or a source such as photos/2024.") var target: String

        mutating func run() throws {
            try Command.run("status") {
                let report = try Command.report(CommandTarget(target).spool)
                Command.print(json ? report.json.line : report.summary)
                try Command.exit(report.spoolFailure == nil ? report.state : .blocked)
            }
        }
    }

    struct Queue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the changes that have not been uploaded, the oldest first.",
            discussion: "Exits as rgwfs status does for these changes.")
        @Flag(help: "Print JSON, one line for each change.") var json = false
        @Option(help: "Maximum number of changes to list.") var limit = ControlRequest.queueMax
        @Argument(help: "A mount point or a source.") var target: String

        mutating func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit is at least 1") }
        }

        mutating func run() throws {
            try Command.run("queue") {
                let spool = try CommandTarget(target).spool
                var state = MountReport.State.clean
                func show(_ item: QueueItem) {
                    if state != .blocked {
                        state = ["blocked", "conflict"].contains(item.state) ? .blocked : .pending
                    }
                    Command.print(json ? item.json.line : item.line)
                }
                if let client = ControlClient(spool: spool.path) {
                    _ = try client.ask(.queue(limit: limit)) { QueueItem($0).map(show) }
                } else {
                    try SpoolInspection(spool).queue.prefix(limit).forEach(show)
                }
                try Command.exit(state)
            }
        }
    }

    struct Stats: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the requests of a mount so far, by kind.")
        @Flag(help: "Print JSON.") var json = false
        @Argument(help: "A mount point or a source.") var target: String
        @Argument(help: "Seconds from one line to the next; without it, what was so far.")
        var interval: Double?
        @Argument(help: "How many lines; without it, until it is interrupted.") var count: Int?

        mutating func validate() throws {
            if let interval, !(0.1...86_400).contains(interval) {
                throw ValidationError("the interval is from 0.1 to 86400 seconds")
            }
            if let count, count < 1 { throw ValidationError("the count is at least 1") }
        }

        mutating func run() throws {
            try Command.run("stats") {
                let spool = try CommandTarget(target).spool
                if let interval {
                    return try StatsLines(spool, json: json).run(
                        every: .milliseconds(Int(interval * 1000)), count: count)
                }
                let stats = try Command.client(spool).ask(.stats)
                Command.print(json ? stats.line : StatsText.table(stats))
            }
        }
    }

    struct ListSpools: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls-spools",
            abstract: "List your spools on this machine, mounted or not.")
        @Flag(help: "Print JSON, one line for each spool.") var json = false

        mutating func run() throws {
            try Command.run("ls-spools") {
                for entry in try SpoolCatalogue.entries(try LiveEnvironment()) {
                    guard case .usable(let spool) = entry else {
                        if case .unusable(let spool) = entry { tell(spool) }
                        continue
                    }
                    do {
                        let report = try Command.report(spool)
                        Command.print(json ? report.json.line : Self.line(report))
                    } catch {
                        // The others are still worth listing.
                        Command.print(
                            json ? Self.silent(spool, error).line : Self.line(spool, error))
                    }
                }
            }
        }

        private func tell(_ spool: UnusableSpool) {
            let what =
                spool.identity.map { "\(CataloguedSpool.source(of: $0)) at \($0.endpoint)" }
                ?? "of an unknown source"
            let value = JSONValue.object([
                "spool": .string(spool.path), "source": spool.source.map { .string($0) } ?? .null,
                "server": spool.identity.map { .string($0.endpoint) } ?? .null,
                "state": .string("unusable"), "error": .string(spool.reason),
            ])
            Command.print(
                json
                    ? value.line
                    : Shown.text("\(spool.path)  \(what)  cannot be used: \(spool.reason)"))
        }

        private static func line(_ report: MountReport) -> String {
            let place = report.life == .mounted ? "on \(report.mountPoint)" : report.life.rawValue
            let count = report.pending == 0 ? "clean" : report.progress
            return "\(report.spool)  \(Shown.text(report.source)) at \(report.server)  "
                + "\(Shown.text(place)): \(count)"
                + (report.lost > 0 ? ", \(report.lost) lost entries" : "")
        }

        private static func silent(_ spool: CataloguedSpool, _ error: any Error) -> JSONValue {
            .object([
                "spool": .string(spool.path), "source": .string(spool.source),
                "server": .string(spool.identity.endpoint), "state": .string("unknown"),
                "error": .string(Command.explain(error, spool: spool.path).0),
            ])
        }

        private static func line(_ spool: CataloguedSpool, _ error: any Error) -> String {
            "\(spool.path)  \(Shown.text(spool.source)) at \(spool.identity.endpoint)  unknown: "
                + Shown.text(Command.explain(error, spool: spool.path).0)
        }
    }

    struct Version: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the version.")
        @Flag(help: "Print JSON.") var json = false

        mutating func run() {
            let value = JSONValue.object([
                "version": .string(Program.version), "spool_format": .integer(SpoolFormat.current),
                "control": .integer(ControlRequest.version),
            ])
            Command.print(json ? value.line : "rgwfs \(Program.version)")
        }
    }
}
