import CRGWHost

/// Going to the background so that failures still reach the caller's terminal and exit status.
package enum Daemon {
    /// Forks; returns in the child only. Call it before any other thread exists: only the calling
    /// thread lives on in the child (fork(2)).
    ///
    /// The child stays in the caller's process group until it reports success: autofs lets only the
    /// group that mounts pass, and keeps everybody else waiting until the mount is made.
    /// Source: Linux, Documentation/filesystems/autofs.rst, "Mounting and unmounting".
    ///
    /// The parent waits until the child reports, prints the sentence if there is one, and exits
    /// with the reported status; if the child dies without a report, it says so and exits with
    /// `lostStatus`.
    package static func detach(lostStatus: UInt8) throws(HostError) -> DaemonReport {
        let pipe = try HostPipe()
        let child = try checked(CRGWHost_fork(), "fork")
        if child == 0 { return DaemonReport(Shared(pipe.onlyWriter())) }
        wait(for: child, pipe.onlyReader(), lostStatus: lostStatus)
    }

    private static func wait(
        for child: Int32, _ reader: borrowing HostDescriptor, lostStatus: UInt8
    ) -> Never {
        let limit = 1 << 16
        let message = (try? reader.readToEnd(limit: limit)) ?? []
        guard let status = message.first else {
            let ended = (try? HostProcess.wait(for: child)) ?? 0
            StandardError.print("rgwfs ended before it was ready (status \(ended))")
            HostProcess.exit(Int32(lostStatus))
        }
        if status != 0 {
            StandardError.print(String(decoding: message.dropFirst(), as: UTF8.self))
            // It ends right after its report; whoever tries again finds the spool unlocked.
            // Nothing hangs on how: the report has said it.
            do throws(HostError) { _ = try HostProcess.wait(for: child) } catch {}
        }
        HostProcess.exit(Int32(status))
    }
}
