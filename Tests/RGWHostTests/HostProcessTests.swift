import Testing

@testable import RGWHost

@Suite struct HostProcessTests {
    @Test func runningProcessHasAStartTimeAndOthersHaveNone() throws {
        let mine = try #require(HostProcess.startTime(of: HostProcess.identifier))
        #expect(mine > 0)
        #expect(HostProcess.startTime(of: HostProcess.identifier) == mine)
        // Above pid_max (2^22), proc_sys_kernel(5).
        #expect(HostProcess.startTime(of: 1 << 23) == nil)
    }

    @Test func bootAndHostHaveNames() throws {
        #expect(HostProcess.bootIdentifier().count == 36)
        #expect(try HostProcess.hostName() == HostFile.line("/proc/sys/kernel/hostname"))
    }

    @Test func signalToNobodyFails() {
        #expect(throws: HostError.self) { try HostProcess.send(0, to: 1 << 23) }
    }
}
