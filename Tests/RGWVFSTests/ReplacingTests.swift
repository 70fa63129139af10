import RGWBase
import RGWTestKit
import RGWVFS
import Testing

/// A file with local changes is truncated to nothing: what a crash leaves of it.
@Suite struct ReplacingTests {
    private func volume() throws -> Volume {
        try Volume {
            $0.writebackDelay = .seconds(60)
            $0.guarantee = .local
        }
    }

    /// With a closed version of `a` that is on the disk and not in the bucket.
    private func volumeWithOld() throws -> Volume {
        let volume = try volume()
        try volume.save("a", "old")
        volume.world.advance(by: .seconds(2))
        return volume
    }

    @Test(arguments: [false, true])
    func aReplacementThatIsStillOpenLeavesTheClosedVersion(afterPowerCut: Bool) throws {
        let volume = try volumeWithOld()
        let file = try volume.open("a", write: true, truncate: true)
        #expect(try volume.load("a").isEmpty)
        try volume.write(file, "ne")
        #expect(try volume.load("a") == "ne")
        volume.world.advance(by: .seconds(10))
        let again = try Volume(remounting: volume, afterPowerCut: afterPowerCut)
        #expect(try again.load("a") == "old")
        #expect(again.files.lost.count == 1)
        again.world.advance(by: .seconds(60))
        #expect(again.text("a") == "old")
        #expect(try again.dataFiles().isEmpty)
    }

    @Test func aKillKeepsAClosedReplacement() throws {
        let volume = try volumeWithOld()
        try volume.save("a", "new")
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "new")
        again.world.advance(by: .seconds(70))
        #expect(again.text("a") == "new")
        #expect(again.files.lost.isEmpty)
        #expect(try again.dataFiles().isEmpty)
    }

    @Test func aKillAndThenAPowerCutLeaveTheVersionOnTheDisk() throws {
        let volume = try volumeWithOld()
        try volume.save("a", "new")
        volume.store.setFault { $0.method == "PUT" ? .loseRequest : nil }
        let killed = try Volume(remounting: volume) { $0.writebackDelay = .seconds(60) }
        let again = try Volume(remounting: killed, afterPowerCut: true)
        #expect(try again.load("a") == "old")
    }

    @Test func aReplacementOnTheDiskSurvivesAPowerCut() throws {
        let volume = try volumeWithOld()
        try volume.save("a", "new")
        volume.world.advance(by: .seconds(2))
        #expect(try volume.dataFiles().count == 1, "the old version is needed no more")
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.load("a") == "new")
        #expect(again.files.lost.isEmpty)
    }

    @Test func theOldVersionMayGoUpWhileItIsReplaced() throws {
        let volume = try Volume { $0.writebackDelay = .seconds(1) }
        try volume.save("a", "old")
        volume.store.setFault { $0.method == "PUT" ? .loseAnswer : nil }
        volume.world.advance(by: .milliseconds(1050))
        volume.store.setFault(nil)
        #expect(volume.text("a") == "old")
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "new")
        volume.world.advance(by: .seconds(5))
        #expect(volume.text("a") == "old")
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "old")
        again.settle()
        let puts = again.store.requests.count { $0.method == "PUT" }
        #expect(puts == 1, "it is there already")
    }

    @Test func savingWithoutEndNeedsTwoDataFilesAtMost() throws {
        let volume = try volume()
        for round in 0..<20 {
            try volume.save("a", "\(round)")
            if round.isMultiple(of: 3) { volume.world.advance(by: .seconds(2)) }
        }
        #expect(try volume.dataFiles().count <= 2)
        volume.world.advance(by: .seconds(90))
        #expect(volume.text("a") == "19")
        #expect(try volume.dataFiles().isEmpty)
    }

    @Test func unlinkingAReplacedFileLeavesNothing() throws {
        let volume = try volumeWithOld()
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "new")
        try volume.unlink("a")
        try volume.close(file)
        volume.world.advance(by: .seconds(5))
        #expect(try volume.dataFiles().isEmpty)
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.names(in: "").isEmpty)
    }
}
