import CRGWHost
import RGWBase

/// A child process that is watched without waiting for it.
package struct HostChild: Sendable {
    package let process: Int32

    /// Forks; `body` runs in the child, whose exit status is its result. Call it before any thread
    /// exists: only the calling one lives on in the child (fork(2)). `quietly`, the child's
    /// standard streams lead to /dev/null: who reads ours need not wait for a child that hangs.
    package static func fork(
        quietly: Bool = false, _ body: () -> Int32
    ) throws(HostError) -> HostChild {
        let process = try checked(CRGWHost_fork(), "fork")
        guard process == 0 else { return HostChild(process: process) }
        if quietly {
            do throws(HostError) { try StandardStreams.silence() } catch { HostProcess.exit(127) }
        }
        HostProcess.exit(body())
    }

    /// Lets a child answer what may hang for ever; nil: it did not answer in time, or had no
    /// answer. The answer must fit into a pipe (64 KiB). The same rule as for `fork`.
    package static func ask(
        within time: Duration, _ body: () -> String?
    ) throws(HostError) -> String? {
        let pipe = try HostPipe()
        let child = try fork(quietly: true) {
            guard let answer = body() else { return 1 }
            do throws(HostError) { try pipe.writer.write(Array(answer.utf8).span) } catch {
                return 1
            }
            return 0
        }
        let reader = pipe.onlyReader()
        guard let status = try child.poll(for: time) else {
            // It may not be killable while it waits for FUSE; then it stays behind, harmless.
            try child.kill()
            return nil
        }
        guard status == 0 else { return nil }
        return String(decoding: try reader.readToEnd(limit: 1 << 16), as: UTF8.self)
    }

    /// The exit status as `poll` gives it, as soon as it is there; nil: not within this time.
    package func poll(for time: Duration) throws(HostError) -> Int32? {
        let clock = HostClock()
        let deadline = clock.now() + time
        let pause = HostCondition<Void>(())
        while true {
            if let status = try poll() { return status }
            guard clock.now() < deadline else { return nil }
            _ = pause.wait(until: clock.now() + .milliseconds(10)) { _ in nil as Void? }
        }
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

    /// Runs a program found in PATH to its end, which comes within `time` or by SIGKILL to all that it started.
    /// Its exit status and what it wrote, which must fit into a pipe (64 KiB); nil: it did not end in time.
    package static func output(
        of words: [String], within time: Duration
    ) throws(HostError) -> (status: Int32, bytes: [UInt8])? {
        guard let program = words.first, words.allSatisfy({ !$0.utf8.contains(0) }) else {
            // EINVAL, errno.h.
            throw HostError("run", path: words.first ?? "", errno: 22)
        }
        var block: [UInt8] = []
        for word in words {
            block += word.utf8
            block.append(0)
        }
        let pipe = try HostPipe()
        // SAFETY: `block` has a NUL at the end of each word and lives for the call; the kernel copies it.
        let started = unsafe block.withUnsafeBytes { bytes in
            unsafe bytes.baseAddress.map { base in
                unsafe CRGWHost_spawn_words(
                    base.assumingMemoryBound(to: CChar.self), bytes.count, pipe.writer.number)
            } ?? -22
        }
        let child = HostChild(process: try checked(started, "run", program))
        let reader = pipe.onlyReader()
        guard let status = try child.poll(for: time) else {
            // What it started has the pipe's other end too.
            do throws(HostError) { try HostProcess.send(9, to: -child.process) } catch {
                try child.kill()
            }
            _ = try child.wait()
            return nil
        }
        return (status, try reader.readWhatIsThere(limit: 1 << 16))
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
