import ArgumentParser
import RGWHost
import RGWMount

/// The subcommands of `rgwfs`.
struct Commands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rgwfs", abstract: "Mount buckets of a Ceph Object Gateway.",
        version: "rgwfs \(Program.version)",
        subcommands: [Mount.self, Umount.self, Status.self, Version.self, ManualOptions.self])

    /// ArgumentParser's own status for a wrong command line is 64; ours is mount(8)'s 1.
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
                StandardError.print(text)
                return ExitStatus.usage.rawValue
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
            abstract: "Upload what waits, then unmount; the same as umount.rgwfs.")
        @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

        mutating func run() throws {
            throw ExitCode(UnmountCommand.run(arguments, program: "rgwfs umount"))
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what waits for its upload.",
            discussion:
                "Exits with 0 when everything is in the bucket, 1 when changes wait, 2 when "
                + "some cannot be uploaded, and 3 when the directory is no mount of rgwfs.")
        @Flag(help: "Print JSON.") var json = false
        @Argument(help: "The mount point.") var directory: String

        mutating func run() throws {
            guard let status = MountedDirectory.status(of: directory) else {
                StandardError.print("rgwfs status: \(directory) is not a mount of rgwfs")
                throw ExitCode(3)
            }
            StandardOutput.write((json ? status.json : status.summary) + "\n")
            throw ExitCode(status.exitCode)
        }
    }

    struct Version: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the version.")
        mutating func run() { StandardOutput.write("rgwfs \(Program.version)\n") }
    }

    /// The options section of mount.rgwfs(8), for who edits the page.
    struct ManualOptions: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "manual-options", shouldDisplay: false)
        mutating func run() { StandardOutput.write(HelpText.manualOptions) }
    }
}
