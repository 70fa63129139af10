/// Who holds, or last held, a spool. Which of both, only the lock knows (`SpoolLock.isHeld`).
package struct SpoolOwner: Equatable, Sendable {
    package var process: Int32
    /// The boot in which it ran; another one now means that the machine restarted since.
    package var bootIdentifier: String
    /// Clock ticks after boot, for people and for older releases.
    package var startTime: UInt64
    package var mountPoint: String
    /// The boot in which recovery was last done; empty: never, or not known.
    package var settledBoot = ""

    /// The machine has not started anew since everything in the spool was last looked through.
    package var isOfThisBoot: Bool {
        let now = HostProcess.bootIdentifier()
        return bootIdentifier == now && settledBoot == now
    }

    /// This process.
    package static func current(mountPoint: String) -> SpoolOwner {
        let process = HostProcess.identifier
        return SpoolOwner(
            process: process, bootIdentifier: HostProcess.bootIdentifier(),
            startTime: HostProcess.startTime(of: process) ?? 0, mountPoint: mountPoint)
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
        // Older releases wrote one boot for both.
        settledBoot = values["settled"].map(String.init) ?? bootIdentifier
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
        settled \(settledBoot)
        mount \(escapedLine(mountPoint))

        """
    }
}
