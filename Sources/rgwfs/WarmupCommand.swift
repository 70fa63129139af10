import ArgumentParser
import RGWBase
import RGWControl
import RGWHost
import RGWMount

extension Commands {
    struct Warmup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetch attributes, and with --data contents, before they are needed.",
            discussion:
                "Walks through the paths as programs would, many names at a time, and follows no "
                + "symbolic links. Exits with 0 if everything could be read, and with 4 otherwise.")
        @Flag(help: "Read the files too.") var data = false
        @Flag(help: "Print JSON: a line for each failure, and what was done at the end.")
        var json = false
        @Option(help: "How many names are asked for at a time.") var jobs = 16
        @Argument(help: "Files and directories in mounts of rgwfs.") var paths: [String]

        mutating func validate() throws {
            guard (1...256).contains(jobs) else {
                throw ValidationError("--jobs is from 1 to 256")
            }
        }

        mutating func run() throws {
            try Command.run("warmup") {
                for path in paths { _ = try CommandTarget(path) }
                let warmup = try Warmer(readsData: data, jobs: jobs)
                let directory = try LiveEnvironment().workingDirectory
                let absolute = paths.map { CommandTarget.normalized($0, in: directory) }
                let line = ProgressLine()
                let result = warmup.run(
                    absolute, onFailure: { report($0, $1) }, onProgress: { line.show($0.text) })
                line.end()
                Command.print(json ? result.json.line : result.text)
                if result.failures > 0 { throw CommandStatus.failed }
            }
        }

        private func report(_ path: String, _ reason: String) {
            if json {
                let value = JSONValue.object([
                    "path": .string(path), "error": .string(reason),
                ])
                Command.print(value.line)
            } else {
                StandardError.print("rgwfs warmup: \(Shown.text(path)): \(reason)")
            }
        }
    }
}

/// Looks at everything below some paths with several threads.
///
/// Owns the threads, and a stack of what is left, so that a tree is walked down before it is walked along and the stack
/// stays short.
private final class Warmer: Sendable {
    struct Progress: Sendable {
        var names: UInt64 = 0
        var files: UInt64 = 0
        var bytes: UInt64 = 0
        var failures: UInt64 = 0

        var text: String {
            "\(names) names"
                + (files > 0 ? ", \(files) files read (\(bytes >> 20) MiB)" : "")
                + (failures > 0 ? ", \(failures) failed" : "")
        }

        var json: JSONValue {
            .object([
                "names": .integer(Int64(clamping: names)),
                "files": .integer(Int64(clamping: files)),
                "bytes": .integer(Int64(clamping: bytes)),
                "failures": .integer(Int64(clamping: failures)),
            ])
        }
    }

    private struct Item: Sendable {
        var path: String
        /// Of the mount that it is in; nil: it was named.
        var device: (UInt32, UInt32)?
    }

    private struct State: Sendable {
        var left: [Item] = []
        var busy = 0
        var progress = Progress()
        var failed: [(String, String)] = []
        var isOver: Bool { left.isEmpty && busy == 0 }
    }

    private static let blockBytes = 1 << 20
    /// How often the line on the terminal is written.
    private static let pause = Duration.milliseconds(200)

    private let readsData: Bool
    private let jobs: Int
    private let workers: HostWorkers
    private let state = HostCondition(State())

    init(readsData: Bool, jobs: Int) throws(HostError) {
        self.readsData = readsData
        self.jobs = jobs
        workers = try HostWorkers(name: "warmup", count: jobs)
    }

    func run(
        _ paths: [String], onFailure: (String, String) -> Void, onProgress: (Progress) -> Void
    ) -> Progress {
        state.update { $0.left = paths.reversed().map { Item(path: $0, device: nil) } }
        for _ in 0..<jobs { workers.submit { [self] in work() } }
        let clock = HostClock()
        while true {
            let isOver = state.wait(until: clock.now() + Self.pause) { $0.isOver ? true : nil }
            let (progress, failed) = state.update { state in
                defer { state.failed = [] }
                return (state.progress, state.failed)
            }
            for (path, reason) in failed { onFailure(path, reason) }
            if isOver == true {
                workers.shutDown()
                return progress
            }
            onProgress(progress)
        }
    }

    private func work() {
        while true {
            let item: Item? = state.wait { state in
                if state.isOver { return .done(nil) }
                guard let item = state.left.popLast() else { return .until(.distantFuture) }
                state.busy += 1
                return .done(item)
            }
            guard let item else { return }
            let found = look(at: item)
            state.update { state in
                state.left += found
                state.busy -= 1
            }
        }
    }

    /// What is below it.
    private func look(at item: Item) -> [Item] {
        do throws(HostError) {
            guard let status = try HostNames.status(item.path, followsLinks: false) else {
                // Removed since; a name that was given is missed.
                if item.device == nil { note(item.path, "no such file or directory") }
                return []
            }
            state.update { $0.progress.names += 1 }
            let device = (status.deviceMajor, status.deviceMinor)
            if let mine = item.device, mine != device { return [] }
            switch status.kind {
            case .directory:
                let names = try HostNames.list(item.path) ?? []
                return names.reversed().map { Item(path: "\(item.path)/\($0)", device: device) }
            case .regular where readsData: try read(item.path)
            default: break
            }
        } catch { note(item.path, error.reason) }
        return []
    }

    private func read(_ path: String) throws(HostError) {
        let file = try HostDescriptor(path)
        var offset: UInt64 = 0
        while true {
            let count = UInt64(try file.read(at: offset, count: Self.blockBytes).count)
            if count == 0 { break }
            offset += count
            state.update { $0.progress.bytes += count }
        }
        state.update { $0.progress.files += 1 }
    }

    private func note(_ path: String, _ reason: String) {
        state.update { state in
            state.progress.failures += 1
            state.failed.append((path, reason))
        }
    }
}
