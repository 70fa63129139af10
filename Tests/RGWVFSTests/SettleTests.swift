import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// Requests that take effect after the mount has given them up ("zombies").
@Suite struct SettleTests {
    /// The first request of a method takes effect late; the others as they should.
    private static func delayFirst(_ volume: Volume, _ method: String, by delay: Duration) {
        volume.store.setFirstFault(method, .late(delay))
    }

    /// a was renamed to b and copied, which only settles: an earlier copy was not heard of. Another client has a new a.
    private static func renamedAndSettling() throws -> Volume {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("one".utf8))
        delayFirst(volume, "COPY", by: .seconds(1000))
        try volume.rename("a", "b")
        volume.store.plant(Volume.bucket, "a", Array("two".utf8))
        volume.world.advance(by: .seconds(10))
        #expect(volume.text("b") == "two")
        #expect(volume.fileSystem.status().settling > 0)
        volume.store.plant(Volume.bucket, "a", Array("three".utf8))
        return volume
    }

    @Test(arguments: [1, 20, 100], [true, false])
    func aFileThatWasRemovedStaysRemoved(seconds: Int, dies: Bool) throws {
        var volume = try Volume()
        Self.delayFirst(volume, "PUT", by: .seconds(seconds))
        try volume.save("a", "zombie")
        volume.world.advance(by: .milliseconds(500))
        try volume.unlink("a")
        if dies { volume = try Volume(remounting: volume) }
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == nil)
        #expect(try volume.names(in: "").isEmpty)
        #expect(try volume.journal.load().flights.isEmpty)
        #expect(try volume.journal.load().intents.isEmpty)
    }

    @Test(arguments: [1, 20, 100], [true, false])
    func aRemovedDirectoryStaysRemoved(seconds: Int, dies: Bool) throws {
        var volume = try Volume()
        Self.delayFirst(volume, "PUT", by: .seconds(seconds))
        try volume.mkdir("d")
        volume.world.advance(by: .milliseconds(500))
        try volume.rmdir("d")
        if dies { volume = try Volume(remounting: volume) }
        volume.world.advance(by: .seconds(300))
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        #expect(try volume.journal.load().intents.isEmpty)
    }

    /// Seed 7011964 of the simulation: the late file below it brought the directory back.
    @Test(arguments: [1, 20, 100], [true, false])
    func aRemovedDirectoryIsNotSeenAgain(seconds: Int, dies: Bool) throws {
        var volume = try Volume()
        try volume.mkdir("d")
        volume.settle()
        Self.delayFirst(volume, "PUT", by: .seconds(seconds))
        try volume.save("d/a", "zombie")
        volume.world.advance(by: .milliseconds(400))
        try volume.unlink("d/a")
        try volume.rmdir("d")
        if dies { volume = try Volume(remounting: volume) }
        for _ in 0..<40 {
            volume.world.advance(by: .seconds(10))
            #expect(try volume.names(in: "").isEmpty)
        }
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test(arguments: [1, 20, 100], [true, false])
    func aLateCopyDoesNotUndoANewerContent(seconds: Int, dies: Bool) throws {
        var volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        try volume.rename("a", "b")
        Self.delayFirst(volume, "COPY", by: .seconds(seconds))
        volume.world.advance(by: .milliseconds(500))
        let file = try volume.open("b", write: true)
        try volume.write(file, "new")
        try volume.close(file)
        if dies { volume = try Volume(remounting: volume) }
        volume.world.advance(by: .seconds(10))
        #expect(volume.fileSystem.status().pending == 0)
        volume.world.advance(by: .seconds(400))
        #expect(volume.text("b") == "new")
        #expect(try volume.load("b") == "new")
        #expect(try volume.dataFiles().isEmpty)
        #expect(volume.fileSystem.status().settling == 0)
    }

    @Test(arguments: [1, 20, 100], [true, false])
    func aLateDeletionDoesNotTakeANewFile(seconds: Int, isAtomic: Bool) throws {
        let volume = try Volume()
        volume.store.setConditionalDeletes(isAtomic)
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        Self.delayFirst(volume, "DELETE", by: .seconds(seconds))
        try volume.unlink("a")
        volume.world.advance(by: .milliseconds(500))
        try volume.save("a", "new")
        volume.world.advance(by: .seconds(400))
        #expect(volume.text("a") == "new")
        #expect(try volume.load("a") == "new")
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    /// Seed 16 of `noContentDisappearsWhenFilesMove`: the new file's PUT was seen after the crash, and taken for
    /// the end of the deletion.
    @Test(arguments: [1, 20, 100], [1, 2])
    func aLateDeletionDoesNotTakeANewFileAfterCrashes(seconds: Int, crashes: Int) throws {
        var volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        Self.delayFirst(volume, "DELETE", by: .seconds(seconds))
        volume.store.setConditionalDeletes(false)
        try volume.unlink("a")
        volume.world.advance(by: .milliseconds(500))
        try volume.save("a", "new")
        volume.world.advance(by: .milliseconds(500))
        for _ in 0..<crashes {
            volume = try Volume(remounting: volume)
            volume.world.advance(by: .milliseconds(100))
        }
        volume.world.advance(by: .seconds(400))
        #expect(volume.text("a") == "new")
        #expect(try volume.load("a") == "new")
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    /// Seed 48 of `noContentDisappearsWhenFilesMove`: the copy had just shown what was there, so the deletion had
    /// no condition.
    @Test func theDeletionOfARenamedFilesOldNameTakesNoLaterVersion() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        Self.delayFirst(volume, "DELETE", by: .seconds(50))
        try volume.rename("a", "b")
        volume.world.advance(by: .seconds(2))
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == "theirs")
        #expect(volume.text("b") == "old")
    }

    /// Seed 872 of `noContentDisappearsWhenFilesMove`: what somebody wrote to the old name was taken for the file
    /// that had been renamed, whose first copy was not heard of.
    @Test(arguments: [false, true])
    func whatIsWrittenToTheOldNameOfADoneCopyStaysThere(dies: Bool) throws {
        var volume = try Self.renamedAndSettling()
        if dies { volume = try Volume(remounting: volume) }
        volume.world.advance(by: .seconds(60))
        #expect(try volume.load("b") == "two")
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == "three")
        #expect(volume.text("b") == "two")
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test func anUnmountDoesNotWaitForWhatOnlySettles() throws {
        let volume = try Volume()
        Self.delayFirst(volume, "PUT", by: .seconds(50))
        try volume.save("a", "zombie")
        volume.world.advance(by: .milliseconds(500))
        try volume.unlink("a")
        let drained = Mutex<VolumeStatus?>(nil)
        volume.fileSystem.drain(deadline: volume.world.now() + .seconds(60)) { status in
            drained.withLock { $0 = status }
        }
        volume.world.advance(by: .seconds(8))
        let answer = drained.withLock { $0 }
        let status = try #require(answer)
        #expect(status.pending == 0)
        #expect(status.settling == 1)
        // The next mount goes on with it.
        let again = try Volume(remounting: volume)
        again.world.advance(by: .seconds(300))
        #expect(again.text("a") == nil)
    }

    @Test func whatAnotherClientWroteMeanwhileStays() throws {
        let volume = try Volume()
        Self.delayFirst(volume, "PUT", by: .seconds(1000))
        try volume.save("a", "zombie")
        volume.world.advance(by: .milliseconds(500))
        try volume.unlink("a")
        volume.world.advance(by: .seconds(10))
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == "theirs")
        #expect(try volume.load("a") == "theirs")
    }

    /// Seed 10034 of the histories: no request of this mount could have removed it.
    @Test(arguments: [false, true], [1, 200])
    func whatAnotherClientRemovedIsNotMadeAgain(looks: Bool, seconds: Int) throws {
        let volume = try Volume()
        try volume.save("a", "old")
        volume.settle()
        volume.store.setFirstFault("COPY", .loseRequest)
        try volume.change("a") { $0.permissions = 0o600 }
        volume.world.advance(by: .milliseconds(500))
        try volume.save("a", "new")
        volume.world.advance(by: .seconds(2))
        #expect(volume.text("a") == "new")
        #expect(volume.fileSystem.status().settling == 1)
        volume.store.uproot(Volume.bucket, "a")
        volume.world.advance(by: .seconds(seconds))
        if looks { _ = try? volume.attributes("a") }
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == nil)
        #expect(try volume.names(in: "").isEmpty)
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    /// The same of a renamed file, under its new name.
    @Test(arguments: [false, true], [1, 70])
    func aRenamedFileThatAnotherClientRemovedIsNotCopiedAgain(looks: Bool, seconds: Int) throws {
        let volume = try Self.renamedAndSettling()
        volume.store.uproot(Volume.bucket, "b")
        volume.world.advance(by: .seconds(seconds))
        if looks { _ = try? volume.attributes("b") }
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("b") == nil)
        #expect(volume.text("a") == "three")
        #expect(try volume.names(in: "") == ["a"])
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    // MARK: Another client's work in the meantime

    /// A change of mode that only settles: its first request was lost.
    private static func settlingChange() throws -> Volume {
        let volume = try Volume()
        try volume.save("a", "old")
        volume.settle()
        volume.store.setFirstFault("COPY", .loseRequest)
        try volume.change("a") { $0.permissions = 0o600 }
        volume.world.advance(by: .seconds(5))
        #expect(volume.fileSystem.status().settling == 1)
        volume.world.advance(by: .seconds(65))
        #expect(volume.fileSystem.status().settling == 1)
        return volume
    }

    private static let looks: [@Sendable (Volume, String) throws -> Void] = [
        { volume, name in
            let names = try volume.names(in: "")
            #expect(!names.contains(name))
        },
        { volume, name in
            #expect(throws: FileSystemError.notFound) { _ = try volume.attributes(name) }
        },
        { volume, name in
            #expect(throws: FileSystemError.notFound) { _ = try volume.load(name) }
        },
    ]

    /// Seed 60099 of the histories: the first who looked got ESTALE.
    @Test(arguments: 0..<3, [false, true])
    func whatAnotherClientRemovedIsGoneForTheFirstWhoLooks(look: Int, isCopy: Bool) throws {
        let volume = isCopy ? try Self.renamedAndSettling() : try Self.settlingChange()
        let name = isCopy ? "b" : "a"
        volume.store.uproot(Volume.bucket, ObjectKey(stringLiteral: name))
        volume.world.advance(by: .seconds(isCopy ? 61 : 31))
        #expect(volume.fileSystem.status().settling == 1)
        try Self.looks[look](volume, name)
        #expect(volume.fileSystem.status() == VolumeStatus())
        volume.world.advance(by: .seconds(300))
        #expect(volume.text(name) == nil)
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test func aDirectoryThatAnotherClientRemovedIsGone() throws {
        let volume = try Volume()
        volume.store.setFirstFault("PUT", .loseRequest)
        try volume.mkdir("d")
        volume.world.advance(by: .seconds(70))
        #expect(volume.store.keys(Volume.bucket) == ["d/"])
        #expect(volume.fileSystem.status().settling == 1)
        volume.store.uproot(Volume.bucket, "d/")
        volume.world.advance(by: .seconds(31))
        #expect(try volume.names(in: "").isEmpty)
        #expect(throws: FileSystemError.notFound) { try volume.attributes("d") }
        volume.world.advance(by: .seconds(300))
        #expect(volume.store.keys(Volume.bucket).isEmpty)
    }

    /// Seed 20034 of the histories: it stayed hidden for two minutes.
    @Test(arguments: [false, true], [false, true])
    func aRemovedDirectoryThatAnotherClientUsesIsSeen(isRenamed: Bool, looks: Bool) throws {
        let volume = try Volume()
        volume.store.setFirstFault("PUT", .loseRequest)
        try volume.mkdir("d")
        volume.world.advance(by: .seconds(2))
        if isRenamed { try volume.rename("d", "e") } else { try volume.rmdir("d") }
        volume.world.advance(by: .seconds(10))
        #expect(volume.store.object(Volume.bucket, "d/") == nil)
        #expect(volume.fileSystem.status().settling > 0)
        volume.store.plant(Volume.bucket, "d/theirs", Array("theirs".utf8))
        volume.world.advance(by: .seconds(31))
        // It may be what a request of this mount left: the first who looks has that found out.
        if looks { _ = try? volume.load("d/theirs") } else { _ = try volume.names(in: "") }
        volume.world.advance(by: .seconds(1))
        if looks {
            #expect(try volume.load("d/theirs") == "theirs")
        } else {
            #expect(try volume.names(in: "").contains("d"))
            #expect(try volume.names(in: "d") == ["theirs"])
        }
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("d/theirs") == "theirs")
    }
}
