package import RGWSpool

/// Who holds, or last held, a spool.
package struct SpoolOwner: Equatable, Sendable {
    package var process: Int32
    /// The boot in which it ran; another one now means that the machine restarted since.
    package var bootIdentifier: String
    /// Clock ticks after boot, so that a reused process number is told apart.
    package var startTime: UInt64
    package var mountPoint: String

    /// This process.
    package static func current(mountPoint: String) -> SpoolOwner {
        let process = HostProcess.identifier
        return SpoolOwner(
            process: process, bootIdentifier: HostProcess.bootIdentifier(),
            startTime: HostProcess.startTime(of: process) ?? 0, mountPoint: mountPoint)
    }

    /// That very process still runs.
    package var isRunning: Bool {
        bootIdentifier == HostProcess.bootIdentifier()
            && HostProcess.startTime(of: process) == startTime
    }

    /// Nil: not what `text` writes.
    init?(parsing text: String) {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let space = line.firstIndex(of: " ") ?? line.endIndex
            values[line[..<space]] = line[space...].dropFirst()
        }
        guard let process = values["pid"].flatMap({ Int32($0) }),
            let boot = values["boot"], let mount = values["mount"],
            let start = values["start"].flatMap({ UInt64($0) })
        else { return nil }
        self.init(
            process: process, bootIdentifier: String(boot), startTime: start,
            mountPoint: unescapedLine(mount))
    }

    init(process: Int32, bootIdentifier: String, startTime: UInt64, mountPoint: String) {
        self.process = process
        self.bootIdentifier = bootIdentifier
        self.startTime = startTime
        self.mountPoint = mountPoint
    }

    var text: String {
        """
        pid \(process)
        boot \(bootIdentifier)
        start \(startTime)
        mount \(escapedLine(mountPoint))

        """
    }
}

/// The right to a spool: an flock(2) on its LOCK file, held until the last reference goes or the
/// process ends, however it ends. The file's text only tells people who holds it.
package final class SpoolLock: Sendable {
    private let file: HostDescriptor
    /// Who held the spool before; nil: nobody, or it is not known.
    package let previousOwner: SpoolOwner?

    /// Throws `busy` with a sentence that names the owner when another process has the lock.
    package init(spool: String, mountPoint: String) throws(SpoolError) {
        let held: Bool
        do throws(HostError) {
            file = try HostDescriptor(Self.path(in: spool), [.write, .create], mode: 0o600)
            held = try file.lockExclusively()
            previousOwner = SpoolOwner(
                parsing: String(decoding: try file.read(at: 0, count: 1 << 16), as: UTF8.self))
            if held {
                let owner = SpoolOwner.current(mountPoint: mountPoint)
                try file.truncate(to: 0)
                try file.write(Array(owner.text.utf8).span, at: 0)
            }
        } catch {
            throw error.spoolError
        }
        guard held else {
            throw .busy(Self.busySentence(spool: spool, owner: previousOwner))
        }
    }

    /// What the LOCK file says; whether it still holds, `isRunning` knows.
    package static func owner(of spool: String) throws(SpoolError) -> SpoolOwner? {
        do throws(HostError) {
            guard let contents = try HostFile.read(path(in: spool), limit: 1 << 16) else {
                return nil
            }
            return SpoolOwner(parsing: String(decoding: contents.bytes, as: UTF8.self))
        } catch {
            throw error.spoolError
        }
    }

    private static func path(in spool: String) -> String { "\(spool)/LOCK" }

    static func busySentence(spool: String, owner: SpoolOwner?) -> String {
        guard let owner else { return "the spool \(spool) is in use by another process" }
        return "the spool \(spool) is in use by process \(owner.process), "
            + "mounted on \(owner.mountPoint)"
    }
}
