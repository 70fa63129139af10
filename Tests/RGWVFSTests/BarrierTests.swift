import RGWBase
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// When changes become safe from a power cut, and what that costs.
@Suite struct BarrierTests {
    /// Counts the spool's calls by kind.
    private final class Calls: Sendable {
        private let counts = Mutex<[SpoolFaults.Call: Int]>([:])

        init(_ volume: Volume) {
            volume.files.faults.set { [self] call, _ in
                counts.withLock { $0[call, default: 0] += 1 }
                return nil
            }
        }

        subscript(call: SpoolFaults.Call) -> Int { counts.withLock { $0[call, default: 0] } }
    }

    @Test func aClosedFileIsSafeAfterTheInterval() throws {
        let volume = try Volume { $0.writebackDelay = .seconds(60) }
        try volume.save("a", "1")
        volume.world.advance(by: .seconds(1))
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.load("a") == "1")
    }

    @Test func theIntervalIsTheUsers() throws {
        for (seconds, survives) in [(2, false), (4, true)] {
            let volume = try Volume {
                $0.writebackDelay = .seconds(60)
                $0.commitInterval = .seconds(3)
            }
            try volume.save("a", "1")
            volume.world.advance(by: .seconds(seconds))
            let again = try Volume(remounting: volume, afterPowerCut: true)
            #expect(try again.names(in: "") == (survives ? ["a"] : []))
        }
    }

    @Test func writesToAnOpenFileBecomeSafeToo() throws {
        let volume = try Volume()
        let file = try volume.create("log")
        try volume.write(file, "1")
        volume.world.advance(by: .seconds(2))
        let calls = Calls(volume)
        try volume.write(file, "2", at: 1)
        #expect(calls[.syncAll] == 0)
        volume.world.advance(by: .seconds(5))
        #expect(calls[.syncAll] == 1)
        volume.world.advance(by: .seconds(60))
        #expect(calls[.syncAll] == 1, "nothing changed since")
    }

    @Test func withZeroEveryAnswerIsSafe() throws {
        let volume = try Volume {
            $0.commitInterval = .zero
            $0.writebackDelay = .seconds(60)
        }
        let calls = Calls(volume)
        let file = try volume.create("a")
        #expect(calls[.barrier] == 1)
        try volume.write(file, "1")
        try volume.write(file, "2", at: 1)
        #expect(calls[.barrier] == 3)
        #expect(calls[.syncAll] >= 2)
        try volume.mkdir("d")
        #expect(calls[.barrier] == 4)
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.names(in: "") == ["a", "d"])
        #expect(try again.load("a") == "12")
    }

    @Test func filesThatTheBucketHasBeforeTheirBarrierAreNeverSynced() throws {
        let volume = try Volume { $0.writebackDelay = .milliseconds(100) }
        let calls = Calls(volume)
        for index in 0..<50 { try volume.save("\(index)", "x") }
        volume.world.advance(by: .seconds(5))
        #expect(volume.store.keys(Volume.bucket).count == 50)
        #expect(calls[.syncAll] == 0)
    }

    @Test func manyFilesAreSyncedAtOnce() throws {
        let volume = try Volume { $0.writebackDelay = .seconds(60) }
        let calls = Calls(volume)
        for index in 0..<50 { try volume.save("\(index)", "x") }
        volume.world.advance(by: .seconds(2))
        #expect(calls[.syncAll] == 1)
    }

    @Test func dataOfPowerSafeRowsGoesOnlyAfterTheRows() throws {
        let volume = try Volume { $0.writebackDelay = .seconds(10) }
        try volume.save("a", "1")
        volume.world.advance(by: .seconds(2))
        let calls = Calls(volume)
        try volume.unlink("a")
        #expect(calls[.remove] == 0, "a power cut could bring the row back")
        volume.world.advance(by: .seconds(2))
        #expect(calls[.barrier] == 1)
        #expect(calls[.remove] == 1)
    }
}
