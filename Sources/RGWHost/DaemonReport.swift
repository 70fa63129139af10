import CRGWHost
import Synchronization

/// How a starting daemon tells whoever started it how it went: once.
///
/// Owns the write end of a pipe to the waiting parent, or nothing in the foreground.
package final class DaemonReport: Sendable {
    /// Nil in the foreground, and once it was told: the parent reads until the pipe is closed.
    private let parent: Mutex<Shared<HostDescriptor>?>
    private let told = Mutex(false)

    init(_ parent: Shared<HostDescriptor>?) { self.parent = Mutex(parent) }

    /// For `-f`: nobody waits; a failure goes to standard error.
    package static func foreground() -> DaemonReport { DaemonReport(nil) }

    /// It works: the parent exits with status 0. In the background this process leads a session of
    /// its own from here on, the standard streams lead to /dev/null, and the working directory is
    /// `/`, so paths must be absolute.
    package func succeed() throws(HostError) {
        guard claim(), let parent = parent.withLock({ $0.take() }) else { return }
        do throws(HostError) {
            try leave()
            try parent.value.write([0].span)
        } catch {
            // It did not work after all; `fail` will say why.
            self.parent.withLock { $0 = parent }
            told.withLock { $0 = false }
            throw error
        }
    }

    /// Nothing of the caller's surroundings is held on to.
    private func leave() throws(HostError) {
        // SAFETY: a literal path.
        try checked(unsafe CRGWHost_chdir("/"), "chdir", "/")
        // A forked child leads no group yet, so it may. Source: setsid(2).
        try checked(CRGWHost_setsid(), "setsid")
        try StandardStreams.silence()
    }

    /// It does not: the parent (or this process, in the foreground) prints `sentence` and exits
    /// with `status`, 1 ... 255. Ends this process at once; after `succeed` only that.
    package func fail(status: UInt8, sentence: String) -> Never {
        guard claim() else { HostProcess.exit(Int32(status)) }
        if let parent = parent.withLock({ $0.take() }) {
            let message = [status] + Array(sentence.utf8)
            // If the parent is gone there is nobody to tell.
            do throws(HostError) { try parent.value.write(message.span) } catch {}
        } else {
            StandardError.print(sentence)
        }
        HostProcess.exit(Int32(status))
    }

    /// True for the first caller.
    private func claim() -> Bool {
        told.withLock { told in
            defer { told = true }
            return !told
        }
    }
}
