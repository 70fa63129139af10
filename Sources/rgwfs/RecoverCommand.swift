import ArgumentParser
import RGWBase
import RGWControl
import RGWHost
import RGWMount
import RGWSpool

extension Commands {
    struct Recover: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List, copy or upload the changes in a spool, without mounting.",
            discussion:
                "Without an action it lists the changes, as --dry-run does. Exits with 0 if no "
                + "changes are left, otherwise with 1 or 2 as rgwfs status does, and with 4 if it "
                + "failed. It refuses a spool that is in use.")
        @Flag(help: "List what the next mount would do with each change, and change nothing.")
        var dryRun = false
        @Flag(help: "Upload all changes.") var upload = false
        @Option(help: "Copy every file that has not been uploaded to this new directory.")
        var export: String?
        @Option(help: "The spool's directory, instead of a source.") var spool: String?
        @Option(name: .short, help: "Mount options for the upload, such as credentials=FILE.")
        var options: [String] = []
        @Flag(help: "Print JSON, one line for each change.") var json = false
        @Argument(help: "A source such as photos/2024.") var source: String?

        mutating func validate() throws {
            guard (spool == nil) != (source == nil) else {
                throw ValidationError("name a source, or a spool with --spool")
            }
            guard !(dryRun && (upload || export != nil)) else {
                throw ValidationError("--dry-run goes with neither --upload nor --export")
            }
        }

        mutating func run() throws {
            try Command.run("recover") {
                let spool = try found()
                if spool.isRunning, let client = ControlClient(spool: spool.path) {
                    let report = MountReport(try client.ask(.status))
                    guard report?.life != .mounted else {
                        throw ControlError(
                            .wrongState,
                            "\(spool.source) is mounted; unmount it first, or see "
                                + "rgwfs queue")
                    }
                    guard upload else {
                        throw ControlError(
                            .wrongState,
                            "\(spool.source) was unmounted and is still uploading "
                                + "(process \(report?.process ?? 0))")
                    }
                }
                if let export {
                    try SpoolExport.run(SpoolInspection(spool), to: export)
                }
                if upload { return try Command.exit(SpoolUpload.run(spool, options: options)) }
                let inspection = try SpoolInspection(spool)
                if export == nil {
                    for item in inspection.queue {
                        Command.print(json ? item.json.line : item.line)
                    }
                }
                try Command.exit(inspection.report.state)
            }
        }

        private func found() throws -> CataloguedSpool {
            guard let spool else { return try CommandTarget(source ?? "").spool }
            let path = CommandTarget.normalized(spool, in: try LiveEnvironment().workingDirectory)
            switch SpoolCatalogue.entry(at: path, known: nil) {
            case .usable(let found): return found
            case .unusable(let found): throw found.error
            case nil:
                throw CommandTarget.NotFound(
                    description: "there is no spool in \(Shown.text(spool))")
            }
        }
    }

    struct Discard: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a spool and all changes in it permanently.",
            discussion:
                "Changes in a spool exist nowhere else. As a confirmation, the spool's id is "
                + "required: the last part of its path, as rgwfs ls-spools shows it.")
        @Argument(help: "A source, or the spool's directory.") var target: String
        @Argument(help: "The spool's id.") var id: String

        mutating func run() throws {
            try Command.run("discard") {
                let spool = try CommandTarget(target).spool
                guard spool.identifier == id else {
                    throw ControlError(
                        .badRequest,
                        "the id of the spool of \(spool.source) is not "
                            + "\(Shown.text(id)); nothing was deleted")
                }
                let lock = try SpoolLock(inspecting: spool.path)
                try withExtendedLifetime(lock) { try SpoolRemoval.remove(spool.path) }
                if let base = SpoolLocation.defaultBase(in: try LiveEnvironment()) {
                    try KnownSpools(base: base).remove(spool.path)
                }
            }
        }
    }
}

/// Deleting a spool: FORMAT goes last, so that a half deleted one is still known for a spool.
enum SpoolRemoval {
    static func remove(_ spool: String) throws(HostError) {
        // lost+found is the file system's own.
        let last: Set<String> = ["FORMAT", "LOCK", "lost+found"]
        for name in try HostNames.list(spool) ?? [] where !last.contains(name) {
            try removeTree("\(spool)/\(name)")
        }
        try HostNames.unlink("\(spool)/LOCK")
        try HostNames.unlink("\(spool)/FORMAT")
        try HostNames.removeDirectory(spool)
    }

    /// Three levels deep at most, as spools are; links are removed, not followed.
    private static func removeTree(_ path: String) throws(HostError) {
        do throws(HostError) { try HostNames.unlink(path) } catch {
            // EISDIR, errno.h.
            guard error.errno == 21 else { throw error }
            for name in try HostNames.list(path) ?? [] { try removeTree("\(path)/\(name)") }
            try HostNames.removeDirectory(path)
        }
    }
}
