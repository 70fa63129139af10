import ArgumentParser
import RGWClient
import RGWControl
import RGWHost
import RGWMount
import RGWSpool

extension Commands {
    struct Doctor: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check everything that a mount of a source needs.",
            discussion:
                "Exits with 0 if no check failed, and with 2 otherwise. An object is written to the "
                + "bucket and a file to the spool's directory, and both are removed again; with ro, "
                + "no object is written.")
        @Flag(help: "Print JSON, one line for each check.") var json = false
        @Option(name: .short, help: "Mount options, as for mount.rgwfs.")
        var options: [String] = []
        @Option(help: "Maximum number of keys to check for names that cannot be paths.")
        var keys = 10_000
        @Argument(help: "A source, or a mount point.") var target: String

        mutating func validate() throws {
            guard keys >= 0 else { throw ValidationError("--keys is not negative") }
        }

        mutating func run() throws {
            try Command.run("doctor") {
                let json = json
                var hasFailed = false
                func tell(_ finding: Finding) {
                    if finding.level == .fail { hasFailed = true }
                    Command.print(json ? finding.json.line : finding.line)
                }
                try MachineExamination.run(tell)
                if let plan = try plan(tell) {
                    SpoolExamination.run(plan, tell)
                    try ServerExamination(plan, keysMax: keys).run(tell)
                }
                if hasFailed { throw ExitCode(2) }
            }
        }

        /// Nil: there is nothing to ask the server with.
        private func plan(_ tell: (Finding) -> Void) throws -> MountPlan? {
            let environment = try LiveEnvironment()
            var source = target
            var words: [String] = []
            // A mount knows its server and its source; a source of that name is as good.
            if let spool = try? CommandTarget(target).spool {
                source = spool.source
                words = ["-o", "url=\(spool.identity.endpoint)"]
            }
            for text in options { words += ["-o", text] }
            do {
                let arguments = try MountArguments(parsing: [source, "/"] + words)
                let plan = try MountPlan(checking: arguments, in: environment)
                tell(Finding("options", .ok, "\(plan.source) at \(plan.server)"))
                tell(Finding("credentials", .ok, Self.origin(plan.credentials)))
                return plan
            } catch let error as MountFailure {
                if case .credentials = error {
                    tell(Finding("credentials", .fail, "\(error)"))
                } else {
                    tell(Finding("options", .fail, "\(error)"))
                }
                return nil
            }
        }

        private static func origin(_ choice: CredentialsChoice) -> String {
            let keys = words(of: choice)
            return choice.source.keys == nil ? "\(choice.source.owner ?? ""): \(keys)" : keys
        }

        private static func words(of choice: CredentialsChoice) -> String {
            switch choice.origin {
            case .file(let path, let profile):
                "found in \(path)" + (profile.map { ", profile \($0)" } ?? "")
            case .environment: "found in the environment"
            case .options: "named by options"
            case .anonymous: "none: requests are not signed (public_bucket)"
            }
        }
    }
}

/// What the machine itself needs to have.
enum MachineExamination {
    static func run(_ tell: (Finding) -> Void) throws {
        let problem = FuseDevice.problem()
        tell(Finding("/dev/fuse", problem == nil ? .ok : .fail, problem ?? "it can be opened"))
        do throws(HostError) {
            tell(.descriptors(try HostProcess.raiseDescriptorLimit()))
        } catch { tell(Finding("open files", .warn, "\(error)")) }
        guard HostProcess.effectiveUser != 0 else { return }
        do throws(HostError) {
            let status = try HostChild.run("fusermount3", ["--version"], quietly: true).wait()
            tell(
                status == 0
                    ? Finding("fusermount3", .ok, "it can be run")
                    : Finding("fusermount3", .fail, "it does not run: install the package fuse3"))
        } catch {
            tell(Finding("fusermount3", .fail, "\(error.reason): install the package fuse3"))
        }
    }
}

/// Where changes would wait.
enum SpoolExamination {
    /// Everything is tried as this user, who would be the one to mount, and removed again.
    static func run(_ plan: MountPlan, _ tell: (Finding) -> Void) {
        let spool = plan.spool.directory
        func fail(_ text: String) {
            tell(Finding("spool", .fail, "\(text): choose another place with spool="))
        }
        do throws(MountFailure) {
            try SpoolHolder.refuseIfOutOfSight(plan)
        } catch { return tell(Finding("spool", .fail, "\(error)")) }
        do throws(SpoolError) {
            let found = try SpoolDirectory.trial(spool)
            tell(.space(spool, free: found.freeBytes))
            if found.filesystemType == SpoolDirectory.memoryFilesystem {
                tell(
                    Finding(
                        "spool", .warn,
                        "\(spool) is in memory: changes that have not been uploaded are lost when the "
                            + "machine restarts; choose a disk with spool="))
            } else {
                tell(Finding("spool", .ok, "\(spool) can hold changes"))
            }
        } catch { fail(SpoolSentence.text(error, spool: spool)) }
    }
}
