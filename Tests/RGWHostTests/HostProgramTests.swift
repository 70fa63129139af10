import RGWBase
import RGWHost
import Testing

@Suite struct HostProgramTests {
    @Test func surroundingsAreTheProcesss() throws {
        #expect(HostSurroundings.variable("PATH")?.isEmpty == false)
        #expect(HostSurroundings.variable("RGWFS_NO_SUCH_VARIABLE") == nil)
        let directory = try HostSurroundings.workingDirectory()
        #expect(directory.hasPrefix("/"))
        #expect(try HostSurroundings.realPath("/proc/self/cwd") == directory)
    }

    @Test func whatIsMissingIsAnErrno() {
        #expect { try HostSurroundings.realPath("/no/such/path") } throws: {
            ($0 as? HostError)?.isNotFound == true
        }
        #expect(throws: HostError.self) { try HostAttributes.text("user.rgwfs.pending", of: "/") }
        #expect(throws: HostError.self) {
            try HostMounts.unmount("/proc/self/task", forced: false, lazily: false)
        }
    }

    @Test func aProgramsStatusArrives() throws {
        #expect(try HostChild.run("true", []).wait() == 0)
        #expect(try HostChild.run("sh", ["-c", "exit 7"]).wait() == 7)
        #expect { try HostChild.run("rgwfs-no-such-program", []) } throws: {
            ($0 as? HostError)?.isNotFound == true
        }
    }

    @Test func aRunningChildIsPolledAndKilled() throws {
        let child = try HostChild.run("sleep", ["60"])
        #expect(try child.poll() == nil)
        try child.kill()
        #expect(try child.wait() == 128 + 9)
    }
}
