import RGWControl
import RGWHost
import RGWMount
import RGWVFS

/// `mount.rgwfs`: checks, goes to the background, serves until the unmount.
enum MountCommand {
    /// The exit status; in the background the parent exits inside, with the child's.
    static func run(_ words: [String], program: String) -> Int32 {
        do throws(MountFailure) {
            let arguments = try parse(words)
            switch arguments.request {
            case .pretend where arguments.isRemount, .mount where arguments.isRemount:
                try RemountCommand.run(arguments, program: program)
            case .help: StandardOutput.write(HelpText.mount)
            case .version: StandardOutput.write("rgwfs \(Program.version)\n")
            case .pretend: _ = try plan(arguments, program)
            case .mount: try serve(plan(arguments, program), program)
            }
            return ExitStatus.success.rawValue
        } catch {
            StandardError.print("\(program): \(error)")
            return error.status.rawValue
        }
    }

    private static func parse(_ words: [String]) throws(MountFailure) -> MountArguments {
        do throws(UsageError) {
            return try MountArguments(parsing: words)
        } catch { throw .usage(error) }
    }

    private static func plan(
        _ arguments: MountArguments, _ program: String
    ) throws(MountFailure) -> MountPlan {
        let environment: LiveEnvironment
        do throws(HostError) {
            environment = try LiveEnvironment()
        } catch { throw .system("\(error)") }
        let plan = try MountPlan(arguments, in: environment)
        let warnings = plan.settings.warnings + OtherUsers.warnings(plan)
        for warning in warnings + waiting(plan) { StandardError.print("\(program): \(warning)") }
        return plan
    }

    /// A mount that only reads shows the bucket, not what an earlier mount has not uploaded.
    private static func waiting(_ plan: MountPlan) -> [String] {
        let path = plan.spool.writableDirectory
        guard plan.volume.readOnly, let spool = SpoolCatalogue.spool(at: path) else { return [] }
        // In a process of its own: SQLite's library starts threads, and this process is to fork.
        let text = try? HostChild.ask(within: .seconds(5)) {
            // In use: then it is shown where it is mounted.
            guard let report = try? SpoolInspection(spool).report, report.pending > 0 else {
                return nil
            }
            return report.leftover
        }
        return text.map { ["warning: this mount does not show all changes: \($0)"] } ?? []
    }

    /// No thread exists before the fork: only the calling one lives on in the child.
    private static func serve(_ plan: MountPlan, _ program: String) throws(MountFailure) {
        let report: DaemonReport
        do throws(HostError) {
            report =
                try plan.settings.isForeground
                ? .foreground()
                : Daemon.detach(lostStatus: UInt8(ExitStatus.mountFailed.rawValue))
        } catch { throw .system("cannot go to the background: \(error)") }
        do throws(MountFailure) {
            try MountService.run(plan, report: report)
        } catch {
            report.fail(
                status: UInt8(error.status.rawValue), sentence: "\(program): \(error)")
        }
    }
}
