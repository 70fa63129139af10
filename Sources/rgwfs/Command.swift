import ArgumentParser
import RGWBase
import RGWControl
import RGWHost
import RGWMount
import RGWSpool

/// Exit statuses of the commands. 0, 1 and 2 are a state: clean, pending, blocked.
enum CommandStatus {
    /// Nothing to ask: no such mount, or it does not answer.
    static let unanswered = ExitCode(3)
    /// It was asked and refused, or failed.
    static let failed = ExitCode(4)
    /// sysexits.h, EX_USAGE.
    static let usage: Int32 = 64
}

/// What the commands have in common.
enum Command {
    /// Ends with a sentence and a status when `body` throws.
    static func run(_ name: String, _ body: () throws -> Void) throws {
        do { try body() } catch let code as ExitCode { throw code } catch {
            let (sentence, status) = explain(error)
            StandardError.print("rgwfs \(name): \(sentence)")
            throw status
        }
    }

    /// A sentence and the status that goes with it. `spool`: the path of the one that it is about.
    static func explain(
        _ error: any Error, spool: String = "of the mount"
    ) -> (String, ExitCode) {
        switch error {
        case let error as CommandTarget.NotFound: (error.description, CommandStatus.unanswered)
        case let error as ControlClient.Silence:
            ("the mount does not answer: \(error.reason)", CommandStatus.unanswered)
        case let error as ControlError: (error.description, CommandStatus.failed)
        case SpoolError.busy(let sentence): (sentence, CommandStatus.unanswered)
        case let error as SpoolError:
            (SpoolSentence.text(error, spool: spool), CommandStatus.failed)
        case let error as MountFailure: (error.description, CommandStatus.failed)
        default: ("\(error)", CommandStatus.failed)
        }
    }

    /// The state as `rgwfs status` exits with it.
    static func exit(_ state: MountReport.State) throws {
        guard state == .clean else { throw ExitCode(state.exitCode) }
    }

    /// One line on standard output.
    static func print(_ line: String) { StandardOutput.write(line + "\n") }

    /// What a mount says, or what the spool says when nobody has it.
    static func report(_ spool: CataloguedSpool) throws -> MountReport {
        if let report = try ControlClient.report(spool: spool.path) { return report }
        return try SpoolInspection(spool).report
    }

    /// A client of the mount; a spool that nobody has mounted is an error.
    static func client(_ spool: CataloguedSpool) throws -> ControlClient {
        guard let client = ControlClient(spool: spool.path) else {
            throw CommandTarget.NotFound(
                description: "\(spool.source) is not mounted: mount it, or run rgwfs recover "
                    + "--upload \(spool.source)")
        }
        return client
    }
}
