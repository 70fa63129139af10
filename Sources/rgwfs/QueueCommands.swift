import ArgumentParser
import RGWBase
import RGWControl
import RGWHost
import RGWMount

extension Commands {
    struct Sync: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Wait until everything is in the bucket.",
            discussion:
                "Exits as rgwfs status does: with 0 only if everything is in the bucket. It does not "
                + "wait for files that are open for writing, and exits with 1 if there are any.")
        @Flag(help: "Print JSON.") var json = false
        @Option(help: "Maximum time to wait, such as 30s or 5m; by default, unlimited.")
        var timeout: String?
        @Argument(help: "A mount point or a source.") var target: String

        mutating func validate() throws { _ = try limit() }

        private func limit() throws -> Duration? {
            guard let timeout else { return nil }
            guard let time = OptionValue.duration(timeout, bareUnit: .seconds(1)) else {
                throw ValidationError("--timeout is a time such as 300ms, 30s or 5m")
            }
            return time
        }

        mutating func run() throws {
            let limit = try limit()
            try Command.run("sync") {
                let client = try Command.client(CommandTarget(target).spool)
                let progress = ProgressLine()
                let milliseconds = limit.map { Int($0.inNanoseconds / 1_000_000) }
                let answer = try client.ask(
                    .sync(milliseconds: milliseconds), onProgress: { progress.show($0.progress) })
                progress.end()
                guard let report = MountReport(answer) else {
                    throw ControlError(.failed, "the mount's answer cannot be understood")
                }
                if json {
                    Command.print(report.json.line)
                } else if report.state != .clean {
                    Command.print(report.summary)
                }
                try Command.exit(report.state)
            }
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read the credentials again, and try failed uploads now.")
        @Flag(help: "Print JSON.") var json = false
        @Argument(help: "A mount, a source, or a path in a mount; by default, all mounts.")
        var target: String?

        mutating func run() throws {
            try Command.run("retry") {
                var targets: [(CataloguedSpool, String)] = []
                if let target {
                    let found = try CommandTarget(target)
                    targets = [(found.spool, found.path)]
                } else {
                    targets = try SpoolCatalogue.list(try LiveEnvironment())
                        .filter(\.isRunning).map { ($0, "") }
                }
                var count: UInt64 = 0
                for (spool, path) in targets {
                    let request = ControlRequest.retry(path: path.isEmpty ? nil : path)
                    count += try Command.client(spool).ask(request)["retried"]?.count ?? 0
                }
                let text = "\(count) \(count == 1 ? "change is" : "changes are") tried again now"
                Command.print(
                    json ? JSONValue.object(["retried": .integer(count)]).line : text)
            }
        }
    }

    struct Resolve: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Choose a version of a file that another client has changed as well.",
            discussion: "For files that conflict=hold left in conflict; rgwfs status names them.")
        @Flag(help: "Print JSON.") var json = false
        @Flag(help: "Replace the bucket's version by this mount's.") var local = false
        @Flag(help: "Keep the bucket's version; move this mount's to lost/ in the spool.")
        var remote = false
        @Flag(help: "Keep both; upload this mount's under another name beside it.") var both = false
        @Argument(help: "The file, in its mount.") var path: String

        mutating func validate() throws {
            guard [local, remote, both].count(where: { $0 }) == 1 else {
                throw ValidationError("say one of --local, --remote and --both")
            }
        }

        mutating func run() throws {
            try Command.run("resolve") {
                let target = try CommandTarget(path)
                guard !target.path.isEmpty else {
                    throw CommandTarget.NotFound(description: "name a file in a mount of rgwfs")
                }
                let resolution: Resolution = local ? .local : remote ? .remote : .both
                let answer = try Command.client(target.spool)
                    .ask(.resolve(path: target.path, resolution), patience: .seconds(65))
                Command.print(json ? answer.line : answer["text"]?.text ?? "done")
            }
        }
    }
}

/// A line on the terminal that is written over again; nothing where there is no terminal.
final class ProgressLine {
    private let isTerminal = HostSurroundings.isTerminal(2)
    private var isShown = false

    func show(_ text: String) {
        guard isTerminal else { return }
        StandardError.write("\r\u{1B}[K\(text)")
        isShown = true
    }

    func end() {
        if isShown { StandardError.write("\r\u{1B}[K") }
        isShown = false
    }
}
