import CRGWHost

/// A child process that is watched without waiting for it.
package struct HostChild: Sendable {
    package let process: Int32

    /// Forks; `body` runs in the child, whose exit status is its result. Call it before any thread
    /// exists: only the calling one lives on in the child (fork(2)).
    package static func fork(_ body: () -> Int32) throws(HostError) -> HostChild {
        let process = try checked(CRGWHost_fork(), "fork")
        if process == 0 { HostProcess.exit(body()) }
        return HostChild(process: process)
    }

    /// Starts a program found in PATH with at most five arguments; `quietly`, its standard streams
    /// lead to /dev/null. Source: posix_spawnp(3).
    package static func run(
        _ program: String, _ arguments: [String], quietly: Bool = false
    ) throws(HostError) -> HostChild {
        precondition(arguments.count <= 5, "CRGWHost_spawn takes five arguments")
        func argument(_ index: Int) -> String? {
            index < arguments.count ? arguments[index] : nil
        }
        // SAFETY: the strings live for the call, and the kernel copies them.
        let process = unsafe CRGWHost_spawn(
            quietly ? 1 : 0, program, argument(0), argument(1), argument(2), argument(3),
            argument(4))
        return HostChild(process: try checked(process, "run", program))
    }

    /// The exit status, or 128 + the signal that ended it; nil while it runs. After an answer other
    /// than nil it must not be asked again.
    package func poll() throws(HostError) -> Int32? {
        let result = CRGWHost_poll_child(process)
        // EAGAIN, errno.h.
        if result == -11 { return nil }
        return try checked(result, "wait for \(process)")
    }

    package func wait() throws(HostError) -> Int32 { try HostProcess.wait(for: process) }

    /// SIGKILL. Source: kill(2).
    package func kill() throws(HostError) { try HostProcess.send(9, to: process) }
}
