import RGWSpool
import Testing

@testable import RGWHost

@Suite struct SpoolLockTests {
    @Test func lockNamesItsOwner() throws {
        try withTemporaryDirectory { spool in
            #expect(try SpoolLock.owner(of: spool) == nil)
            let lock = try SpoolLock(spool: spool, mountPoint: "/mnt/a b\nc")
            let owner = try #require(try SpoolLock.owner(of: spool))
            #expect(owner == SpoolOwner.current(mountPoint: "/mnt/a b\nc"))
            #expect(SpoolLock.isHeld(in: spool))
            #expect(lock.previousOwner == nil)
        }
    }

    @Test func lockGoesWithItsLastReference() throws {
        try withTemporaryDirectory { spool in
            var lock: SpoolLock? = try SpoolLock(spool: spool, mountPoint: "/mnt/one")
            #expect(throws: SpoolError.self) {
                _ = try SpoolLock(spool: spool, mountPoint: "/mnt/two")
            }
            withExtendedLifetime(lock) {}
            lock = nil
            let next = try SpoolLock(spool: spool, mountPoint: "/mnt/three")
            #expect(next.previousOwner?.mountPoint == "/mnt/one")
            #expect(try SpoolLock.owner(of: spool)?.mountPoint == "/mnt/three")
        }
    }

    @Test func killedOwnerLeavesTheSpoolFree() async throws {
        try await withTemporaryDirectory { spool in
            await #expect(processExitsWith: .signal(9)) { [spool = spool as String] in
                let lock = try SpoolLock(spool: spool, mountPoint: "/mnt/x")
                try HostProcess.send(9, to: HostProcess.identifier)
                withExtendedLifetime(lock) {}
            }
            #expect(!SpoolLock.isHeld(in: spool))
            let lock = try SpoolLock(spool: spool, mountPoint: "/mnt/y")
            let previous = try #require(lock.previousOwner)
            #expect(previous.mountPoint == "/mnt/x")
            #expect(previous.bootIdentifier == HostProcess.bootIdentifier())
        }
    }

    @Test(arguments: ["", "pid x\nboot b\nstart 1\nmount m\n", "garbage"])
    func unreadableOwnerIsNobody(text: String) throws {
        try withTemporaryDirectory { spool in
            try HostFile.writeAtomically("\(spool)/LOCK", text: text, mode: 0o600)
            #expect(try SpoolLock.owner(of: spool) == nil)
            #expect(try SpoolLock(spool: spool, mountPoint: "/mnt").previousOwner == nil)
        }
    }

    @Test func aPowerCutIsKnownUntilRecoveryIsDone() throws {
        try withTemporaryDirectory { spool in
            do {
                let first = try SpoolLock(spool: spool, mountPoint: "/mnt")
                try first.noteRecovered(mountPoint: "/mnt")
            }
            #expect(try SpoolLock.owner(of: spool)?.isOfThisBoot == true)
            let text = try #require(try HostFile.read("\(spool)/LOCK")?.text)
            let other = text.split(separator: "\n").map { line in
                line.hasPrefix("boot ") || line.hasPrefix("settled ")
                    ? "\(line.prefix { $0 != " " }) 00000000-0000-0000-0000-000000000000"
                    : String(line)
            }
            try HostFile.writeAtomically(
                "\(spool)/LOCK", text: other.joined(separator: "\n") + "\n", mode: 0o600)
            for _ in 0..<2 {
                // Each time the process dies before its recovery is done.
                let lock = try SpoolLock(spool: spool, mountPoint: "/mnt")
                #expect(lock.previousOwner?.isOfThisBoot == false)
            }
            do {
                let lock = try SpoolLock(spool: spool, mountPoint: "/mnt")
                try lock.noteRecovered(mountPoint: "/mnt")
            }
            let last = try SpoolLock(spool: spool, mountPoint: "/mnt")
            #expect(last.previousOwner?.isOfThisBoot == true)
        }
    }
}
