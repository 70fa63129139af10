import FoundationEssentials
import RGWBase
import Testing

@testable import RGWHost

/// Each test runs in a process of its own, which forks; the checks look at what its caller sees.
@Suite struct DaemonTests {
    @Test func failureReachesTheCallersTerminalAndStatus() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(32), observing: [\.standardErrorContent]
        ) {
            let report = try Daemon.detach(lostStatus: 33)
            report.fail(status: 32, sentence: "rgwfs: no bucket \"photos\"")
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text == "rgwfs: no bucket \"photos\"\n")
    }

    @Test func deathWithoutAReportIsReported() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(33), observing: [\.standardErrorContent]
        ) {
            _ = try Daemon.detach(lostStatus: 33)
            HostProcess.exit(3)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text == "rgwfs ended before it was ready (status 3)\n")
    }

    @Test func successEndsTheCallerAndLeavesTheDaemonOnItsOwn() async throws {
        try await withTemporaryDirectory { directory in
            await #expect(processExitsWith: .exitCode(0)) { [directory = directory as String] in
                let report = try Daemon.detach(lostStatus: 33)
                try report.succeed()
                // Fields 5 and 6 of proc_pid_stat(5) are the process group and the session.
                let stat = try HostFile.line("/proc/self/stat")?.split(separator: ")").last
                let fields = stat?.split(separator: " ") ?? []
                let leads = fields.count > 3 && fields[3] == "\(HostProcess.identifier)"
                let files = FileManager.default
                let streams = try (0...2).map {
                    try files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
                }
                let directoryNow = try files.destinationOfSymbolicLink(atPath: "/proc/self/cwd")
                try HostFile.writeAtomically(
                    "\(directory)/daemon", text: "\(leads) \(streams) \(directoryNow)",
                    mode: 0o600)
                HostProcess.exit(0)
            }
            // The daemon goes on by itself: look until it has written.
            let deadline = HostClock().now() + .seconds(30)
            let nothing = HostCondition(())
            var text: String?
            while text == nil, HostClock().now() < deadline {
                text = try HostFile.read("\(directory)/daemon")?.text
                let pause = HostClock().now() + .milliseconds(2)
                let _: Bool? = nothing.wait(until: pause) { _ in nil }
            }
            #expect(text == "true [\"/dev/null\", \"/dev/null\", \"/dev/null\"] /")
        }
    }

    @Test func foregroundFailurePrintsAndExitsItself() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(5), observing: [\.standardErrorContent]
        ) {
            DaemonReport.foreground().fail(status: 5, sentence: "rgwfs: no")
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.hasSuffix("rgwfs: no\n"))
    }

    @Test func reportIsMadeOnce() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(7), observing: [\.standardErrorContent]
        ) {
            let report = DaemonReport.foreground()
            try report.succeed()
            report.fail(status: 7, sentence: "too late to say")
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(!text.contains("too late"))
    }

    /// The forked child has one thread, so the signal cannot end it before it is blocked.
    @Test(arguments: [15, 2, 1, 10] as [Int32])
    func signalsArriveOnTheirThread(number: Int32) async throws {
        let result = await #expect(
            processExitsWith: .exitCode(9), observing: [\.standardErrorContent]
        ) { [number] in
            let report = try Daemon.detach(lostStatus: 33)
            try HostSignals.block()
            // Sent before anybody listens: it waits.
            try HostProcess.send(number, to: HostProcess.identifier)
            let got = HostCondition<[String]>([])
            let signals = try HostSignals { signal in
                got.update { $0.append("\(signal.number) on \(HostThread.currentName)") }
            }
            let first = got.wait(until: HostClock().now() + .seconds(30)) { $0.first }
            signals.stop()
            report.fail(status: 9, sentence: first ?? "nothing came")
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text == "\(number) on signals\n")
    }

    @Test func brokenPipeIsAnErrorAndNoDeath() async throws {
        await #expect(processExitsWith: .exitCode(0)) {
            try HostSignals.block()
            let writer = try HostPipe().onlyWriter()
            do throws(HostError) {
                try writer.write([1].span)
                HostProcess.exit(1)
            } catch {
                // EPIPE, errno.h.
                HostProcess.exit(error.errno == 32 ? 0 : 2)
            }
        }
    }
}
