import ArgumentParser
import RGWControl
import RGWHost
import RGWMount

/// The subcommands of `rgwfs`.
struct Commands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rgwfs", abstract: "Mount buckets of a Ceph Object Gateway.",
        version: "rgwfs \(Program.version)",
        subcommands: [
            Mount.self, Umount.self, Status.self, Queue.self, Sync.self, Retry.self, Resolve.self,
            Stats.self, Cache.self, Warmup.self, ListSpools.self, Lost.self, Recover.self,
            Discard.self, Doctor.self,
            Version.self, ManualOptions.self, ManualMetrics.self,
        ])

    /// A wrong command line is 64, so that it is told from every state of a mount.
    static func run(_ words: [String]) -> Int32 {
        do {
            var command = try parseAsRoot(words.isEmpty ? ["help"] : words)
            try command.run()
            return ExitStatus.success.rawValue
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            let text = fullMessage(for: error)
            guard exitCode(for: error).isSuccess else {
                StandardError.write(text + "\n")
                return CommandStatus.usage
            }
            StandardOutput.write(text + "\n")
            return ExitStatus.success.rawValue
        }
    }

    /// Listed in the help; `Program` runs it.
    struct Mount: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Mount a bucket; the same as mount.rgwfs.")
        @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

        mutating func run() throws {
            throw ExitCode(MountCommand.run(arguments, program: "rgwfs mount"))
        }
    }

    /// Listed in the help; `Program` runs it.
    struct Umount: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Upload all changes, then unmount; the same as umount.rgwfs.")
        @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

        mutating func run() throws {
            throw ExitCode(UnmountCommand.run(arguments, program: "rgwfs umount"))
        }
    }

    /// The options section of mount.rgwfs(8), for who edits the page.
    struct ManualOptions: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "manual-options", shouldDisplay: false)
        mutating func run() { StandardOutput.write(HelpText.manualOptions) }
    }

    /// The table of rgwfs-metrics(7), for who edits the page.
    struct ManualMetrics: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "manual-metrics", shouldDisplay: false)
        mutating func run() { StandardOutput.write(MetricsTable.manual) }
    }
}
