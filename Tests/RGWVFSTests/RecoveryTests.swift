import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// `kill -9`, then mounting again: the journal and the data files are all that is left.
@Suite struct RecoveryTests {
    @Test func closedFilesGoUpAtTheNextMount() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        for index in 0..<30 { try volume.save("d/\(index)", "content \(index)") }
        let again = try Volume(remounting: volume)
        #expect(try again.names(in: "d").count == 30)
        #expect(try again.load("d/7") == "content 7")
        again.settle()
        #expect(again.store.keys(Volume.bucket).count == 31)
        #expect(again.text("d/29") == "content 29")
    }

    @Test func acknowledgedWritesOfAnOpenFileSurvive() throws {
        let volume = try Volume()
        let file = try volume.create("log")
        try volume.write(file, "line 1\n")
        let again = try Volume(remounting: volume)
        #expect(try again.load("log") == "line 1\n")
        again.settle()
        #expect(again.text("log") == "line 1\n")
    }

    /// The new name's bytes never reached the disk; those in the bucket had the old name.
    @Test(arguments: [false, true], [false, true])
    func aPowerCutLosesNoRenamedFile(writes: Bool, cuts: Bool) throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        try volume.change("a") { $0.permissions = 0o600 }
        try volume.rename("a", "b")
        let file = try volume.open("b", write: true, truncate: cuts)
        if writes { try volume.write(file, "new") }
        let again = try Volume(remounting: volume, afterPowerCut: true)
        again.world.advance(by: .seconds(10))
        let keys = again.store.keys(Volume.bucket)
        #expect(keys.count == 1)
        #expect(keys.first.flatMap { again.text($0) } == "old")
        #expect(try again.journal.load().intents.isEmpty)
    }

    @Test func anUnfinishedReplacementLeavesTheOldObject() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "ha")
        let again = try Volume(remounting: volume)
        again.settle()
        #expect(again.text("a") == "old")
        #expect(try again.load("a") == "old")
        #expect(again.files.lost.count == 1)
    }

    /// A data file without a row: known to the journal or not, announced or not, after a kill or a power cut.
    @Test(arguments: [
        (true, false, false, 0), (true, false, true, 1), (true, true, false, 1),
        (false, false, false, 1),
    ])
    func dataThatTheJournalNamesNoMoreIsNotLostAfterAKill(
        known: Bool, announced: Bool, powerCut: Bool, lost: Int
    ) throws {
        let volume = try Volume()
        try volume.save("a", "1")
        volume.settle()
        let next = try volume.journal.load().nextData
        let id = known ? DataID(next.value - 1) : next
        let file = try volume.files.create(id)
        try file.write([1].span, at: 0)
        if announced { try volume.files.announceLost(id, description: "why") }
        let again = try Volume(remounting: volume, afterPowerCut: powerCut)
        #expect(again.files.lost.count == lost)
        #expect(try again.dataFiles().isEmpty)
    }

    @Test func aFinishedReplacementGoesUp() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        try volume.save("a", "new")
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "new")
        again.settle()
        #expect(again.text("a") == "new")
    }

    @Test func aPutWhoseAnswerWasNeverReadIsNotRepeatedAsAConflict() throws {
        let volume = try Volume()
        try volume.save("a", "hello")
        // The server has it; the journal does not know.
        volume.store.plant(Volume.bucket, "a", Array("hello".utf8))
        let again = try Volume(remounting: volume)
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["a"])
        #expect(again.fileSystem.status().pending == 0)
    }

    @Test func deletionsAndRenamesGoOn() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "gone", Array("x".utf8))
        volume.store.plant(Volume.bucket, "old", Array("y".utf8))
        try volume.unlink("gone")
        try volume.save("t", "moved")
        try volume.rename("t", "old")
        let again = try Volume(remounting: volume)
        #expect(try again.names(in: "") == ["old"])
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["old"])
        #expect(again.text("old") == "moved")
    }

    @Test func recoveryRepeatedBeforeAnythingIsSentLosesNothing() throws {
        var volume = try Volume()
        try volume.mkdir("d")
        try volume.save("d/a", "1")
        volume.store.setFault { ["PUT"].contains($0.method) ? .refuse(.busy) : nil }
        for _ in 0..<3 { volume = try Volume(remounting: volume) }
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(100))
        #expect(volume.store.keys(Volume.bucket) == ["d/", "d/a"])
        #expect(volume.text("d/a") == "1")
    }

    @Test func attributesOfDirectoriesAboveUnsentFilesAreShown() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "implicit/old", [1])
        try volume.save("implicit/new", "1")
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("").kind == .directory)
        #expect(try again.attributes("implicit").kind == .directory)
        #expect(try again.names(in: "implicit") == ["new", "old"])
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["implicit/new", "implicit/old"])
    }

    @Test func afterAPowerCutOnlyWhatWasSyncedGoesUp() throws {
        let volume = try Volume { $0.writebackDelay = .seconds(10) }
        try volume.save("synced", "1")
        volume.world.advance(by: .seconds(2))
        try volume.save("late", "2")
        let again = try Volume(remounting: volume, afterPowerCut: true)
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["synced"])
        #expect(again.files.lost.count == 1)
        #expect(throws: FileSystemError.notFound) { try again.inode("late") }
    }

    @Test func aFileThatWasStillEmptyAtABarrierIsNotCompleteAfterAPowerCut() throws {
        let volume = try Volume { $0.writebackDelay = .seconds(60) }
        let file = try volume.create("late")
        volume.world.advance(by: .seconds(2))
        try volume.write(file, "content")
        try volume.close(file)
        let again = try Volume(remounting: volume, afterPowerCut: true)
        again.settle()
        #expect(again.store.keys(Volume.bucket).isEmpty)
        #expect(again.files.lost.count == 1)
    }

    @Test func whatIsWrittenIntoACleanFileIsNotSyncedBecauseAnEarlierVersionWas() throws {
        let volume = try Volume { $0.writebackDelay = .milliseconds(1500) }
        try volume.save("a", "old")
        volume.world.advance(by: .seconds(5))
        #expect(volume.text("a") == "old")
        let file = try volume.open("a", write: true)
        try volume.write(file, "new")
        try volume.close(file)
        let again = try Volume(remounting: volume, afterPowerCut: true)
        again.settle()
        #expect(again.text("a") == "old")
        #expect(try again.load("a") == "old")
        #expect(again.files.lost.count == 1)
    }

    @Test func aReplacementIsNotSyncedBecauseTheReplacedContentWas() throws {
        let volume = try Volume { $0.writebackDelay = .seconds(60) }
        try volume.save("a", "old")
        volume.world.advance(by: .seconds(2))
        try volume.save("a", "new")
        let again = try Volume(remounting: volume, afterPowerCut: true)
        again.settle()
        #expect(again.text("a") == "old")
        #expect(again.files.lost.count == 1)
    }

    @Test func whatAnFsyncConfirmedSurvivesAPowerCutAlsoWhileSomebodyWrites() throws {
        let volume = try Volume {
            $0.writebackDelay = .seconds(60)
            $0.guarantee = .local
        }
        let file = try volume.create("a")
        try volume.write(file, "synced")
        let synced = volume.begin {
            volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0)
        }
        try volume.write(file, ", and more", at: 6)
        volume.world.run()
        #expect(synced.result != nil)
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.load("a").hasPrefix("synced"))
    }

    @Test func aFullJournalFailsOnlyTheCall() throws {
        let volume = try Volume()
        try volume.save("before", "1")
        volume.journal.setFailure(.full)
        #expect(throws: FileSystemError.spoolFull) { try volume.mkdir("d") }
        volume.journal.setFailure(nil)
        try volume.save("after", "2")
        volume.settle()
        #expect(volume.text("before") == "1")
        #expect(volume.text("after") == "2")
    }

    @Test func aMissingDataFileBlocksItsFileOnly() throws {
        let volume = try Volume()
        try volume.save("good", "1")
        try volume.save("bad", "2")
        let data = try #require(
            try volume.journal.load().nodes.first {
                $0.inode == (try? volume.inode("bad"))
            }?.data)
        try volume.files.remove(data)
        let again = try Volume(remounting: volume)
        #expect(try again.names(in: "") == ["bad", "good"])
        #expect(throws: FileSystemError.inputOutput) { try again.load("bad") }
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["good"])
        let failures = again.fileSystem.status().failures
        #expect(failures.map(\.path) == ["bad"])
        #expect(failures.first?.detail.contains("missing") == true)
        try again.save("more", "3")
        try again.unlink("bad")
        again.settle()
        #expect(again.fileSystem.status().failures.isEmpty)
        #expect(again.store.keys(Volume.bucket) == ["good", "more"])
    }

    @Test func aFileThatWasBeingCutWhenTheMountDiedIsAsLongAsItsData() throws {
        let volume = try Volume()
        try volume.save("a", "0123456789")
        let data = try #require(try volume.journal.load().nodes.first?.data)
        try volume.files.open(data)?.truncate(to: 4)
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "0123")
        again.settle()
        #expect(again.text("a") == "0123")
    }

    @Test func aFileThatWasCutBeforeTheCrashIsNotDamaged() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "0123456789")
        try volume.change("a") { $0.size = 3 }
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "012")
    }

    /// C37: a mount that dies at any call of its recovery leaves the next one the same work.
    @Test(arguments: [false, true]) func recoveryMayDieAtEveryCall(powerCut: Bool) throws {
        for number in 1...60 {
            let volume = try Volume { $0.writebackDelay = .seconds(20) }
            volume.store.plant(Volume.bucket, "old", Array("old".utf8))
            try volume.mkdir("d")
            try volume.save("d/synced", "1")
            volume.world.advance(by: .seconds(2))
            try volume.save("late", "2")
            let file = try volume.open("old", write: true, truncate: true)
            try volume.write(file, "ha")
            let start = volume.files.faults.count
            volume.files.faults.set { _, count in
                count >= start + number ? .failed(operation: "killed", errno: 5) : nil
            }
            let first = try? Volume(remounting: volume, afterPowerCut: powerCut)
            volume.files.faults.set(nil)
            if first != nil { break }
            let again = try Volume(remounting: volume, afterPowerCut: powerCut)
            let names = powerCut ? ["d", "old"] : ["d", "late", "old"]
            #expect(try again.names(in: "") == names, "call \(number)")
            #expect(try again.load("d/synced") == "1")
            #expect(try again.load("old") == "old")
            #expect(again.files.lost.count == (powerCut ? 2 : 1))
            again.world.advance(by: .seconds(60))
            #expect(again.text("d/synced") == "1")
            #expect(again.fileSystem.status().pending == 0)
            let rows = try again.journal.load()
            #expect(rows.nodes.isEmpty && rows.intents.isEmpty)
            #expect(try again.dataFiles().isEmpty)
        }
    }

    /// I3: what was renamed stays renamed, with the content that the bucket has.
    @Test(arguments: [true, false])
    func aPowerCutTakesChangesBackAndLeavesTheNewName(writesFirst: Bool) throws {
        let volume = try Volume {
            $0.writebackDelay = .seconds(60)
            $0.guarantee = .local
        }
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        #expect(try volume.load("a") == "old")
        if !writesFirst { try volume.rename("a", "b") }
        let file = try volume.open(writesFirst ? "a" : "b", write: true)
        try volume.write(file, "new")
        try volume.close(file)
        if writesFirst { try volume.rename("a", "b") }
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.names(in: "") == ["b"])
        #expect(try again.load("b") == "old")
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["b"])
        #expect(again.text("b") == "old")
        #expect(again.files.lost.count == 1)
    }

    /// The same of a file below a directory that was renamed; found by a real power cut.
    @Test func aPowerCutLeavesTheFilesOfARenamedDirectory() throws {
        let volume = try Volume {
            $0.writebackDelay = .seconds(60)
            $0.guarantee = .local
        }
        volume.store.plant(Volume.bucket, "d/a", Array("old".utf8))
        volume.store.plant(Volume.bucket, "d/b", Array("other".utf8))
        #expect(try volume.load("d/a") == "old")
        let file = try volume.open("d/a", write: true)
        try volume.write(file, "new")
        try volume.close(file)
        try volume.rename("d", "e")
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.names(in: "") == ["e"])
        #expect(try again.names(in: "e") == ["a", "b"])
        #expect(try again.load("e/a") == "old")
        again.world.advance(by: .seconds(120))
        let files = again.store.keys(Volume.bucket).filter { !$0.hasSuffix("/") }
        #expect(files == ["e/a", "e/b"])
        #expect(again.text("e/a") == "old")
        #expect(again.fileSystem.status() == VolumeStatus())
    }

    /// The attributes changed while the content went up: only they wait when the daemon dies.
    @Test(arguments: 0..<30)
    func aKillKeepsTheContentWhoseAttributesWait(steps: Int) throws {
        let volume = try Volume { $0.writebackDelay = .milliseconds(100) }
        volume.store.setFault { $0.method == "COPY" ? .loseRequest : nil }
        let file = try volume.create("a")
        try volume.write(file, "content")
        try volume.call { volume.fileSystem.flush(file.0, file.1, $0) }
        volume.world.advance(by: .milliseconds(99))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps { _ = volume.world.step() }
        try volume.change("a") { $0.permissions = 0o600 }
        volume.world.run()
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "content")
        again.store.setFault(nil)
        again.world.advance(by: .seconds(300))
        #expect(again.text("a") == "content")
        #expect(try again.attributes("a").permissions == 0o600)
    }
}
