import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// What random runs and reviews found, one law each.
@Suite struct ModelRegressionTests {
    private static func run(_ operations: [ModelOperation]) -> String? {
        ModelRun.failure(ModelRun.Plan(seed: 1), operations)
    }

    private static func plant(_ volume: Volume, _ key: ObjectKey, _ text: String) {
        volume.store.plant(Volume.bucket, key, Array(text.utf8))
    }

    @Test func aRemovedOpenFileLeavesNoRowBehind() {
        #expect(Self.run([.create("a"), .fsync(handle: 0), .unlink("a")]) == nil)
    }

    @Test func aRemovedOpenFileThatIsCutLeavesNoRowBehind() {
        #expect(Self.run([.create("d"), .unlink("d"), .cut(handle: 0, size: 2)]) == nil)
    }

    /// Seed 914775 of the simulation: attributes that were equal before were taken for the late request's effect.
    @Test func aLateChangeOfAttributesDoesNotUndoANewerContent() {
        var plan = ModelRun.Plan(seed: 914_775)
        plan.faults = 25
        let failure = ModelRun.failure(
            plan,
            [
                .create("e"), .kill, .open("e", write: true, truncate: true),
                .wait(milliseconds: 400), .write(handle: 0, offset: 4, count: 6, fill: 119),
            ])
        #expect(failure == nil)
    }

    /// Seed 4180 of the simulation: the row of a directory whose answer was lost said after a kill that nobody else
    /// could know its names.
    @Test func aDirectoryWhoseAnswerWasLostShowsItsNamesAfterAKill() {
        var plan = ModelRun.Plan(seed: 4180)
        plan.faults = 25
        let failure = ModelRun.failure(
            plan,
            [
                .kill, .mkdir("e"), .wait(milliseconds: 1500), .mkdir("e/d"),
                .wait(milliseconds: 400),
                .kill,
            ])
        #expect(failure == nil)
    }

    @Test func aTreeRenamedAwayAndBackKeepsItsFiles() {
        let failure = Self.run([
            .mkdir("d"), .save("d/d", count: 3, fill: 97), .symlink("d/l", "t"),
            .wait(milliseconds: 400), .rename("d", "a", noReplace: false),
            .rename("a", "d", noReplace: false),
        ])
        #expect(failure == nil)
    }

    @Test func aReaderOfAReplacedFileReadsOn() {
        let failure = Self.run([
            .save("d", count: 2, fill: 104), .save("a", count: 5, fill: 100),
            .wait(milliseconds: 400), .open("d", write: false, truncate: false),
            .rename("a", "d", noReplace: false), .wait(milliseconds: 400), .read(handle: 0),
        ])
        #expect(failure == nil)
    }

    @Test func aReaderOfARemovedFileReadsOnWhenTheNameIsMadeAnew() {
        let failure = Self.run([
            .save("d", count: 2, fill: 104), .wait(milliseconds: 400),
            .open("d", write: false, truncate: false), .unlink("d"),
            .save("d", count: 5, fill: 100), .wait(milliseconds: 400), .read(handle: 0),
        ])
        #expect(failure == nil)
    }

    @Test func aRenamedReplacementOutlivesACrash() throws {
        let volume = try Volume()
        Self.plant(volume, "a", "old")
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "new")
        try volume.rename("a", "b")
        let again = try Volume(remounting: volume)
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["b"])
        #expect(again.text("b") == "new")
    }

    @Test func aDirectoryIsRenamedUnderItsWriter() {
        let failure = Self.run([
            .mkdir("d"), .save("d/b", count: 3, fill: 97), .wait(milliseconds: 400),
            .create("d/a"), .write(handle: 0, offset: 0, count: 3, fill: 98),
            .rename("d", "e", noReplace: false),
            .write(handle: 0, offset: 3, count: 3, fill: 99), .kill,
        ])
        #expect(failure == nil)
    }

    // MARK: Unknown outcomes

    @Test func aFileWhosePutHadNoKnownOutcomeIsGoneWhenRemoved() throws {
        let volume = try Volume()
        volume.store.setFault { request in
            switch request.method {
            case "PUT": .loseAnswer
            case "HEAD": .refuse(.unreachable)
            default: nil
            }
        }
        let file = try volume.create("a")
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "")
        volume.store.setFault(nil)
        try volume.unlink("a")
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("a") == nil)
        #expect(volume.fileSystem.status().pending == 0)
    }

    @Test(arguments: 0..<8, [true, false])
    func aFileRemovedWhileItIsSentIsGone(steps: Int, loses: Bool) throws {
        let volume = try Volume()
        if loses { volume.store.setFault { $0.method == "PUT" ? .loseAnswer : nil } }
        let file = try volume.create("a")
        try volume.write(file, "text")
        let synced = volume.begin { (reply: consuming Reply<Void>) in
            volume.fileSystem.fsync(file.0, file.1, dataOnly: false, reply)
        }
        for _ in 0..<steps { _ = volume.world.step() }
        try volume.unlink("a")
        try volume.close(file)
        volume.world.advance(by: .seconds(120))
        #expect(synced.result != nil)
        #expect(volume.text("a") == nil)
        #expect(volume.store.violations.isEmpty)
        #expect(try volume.dataFiles().isEmpty)
    }

    @Test func aLostChangeOfADirectorysModeIsSentAgain() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        volume.settle()
        volume.store.setFirstFault("PUT", .loseRequest)
        try volume.change("d") { $0.permissions = 0o700 }
        volume.settle()
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("d").permissions == 0o700)
    }

    @Test func aPutToAnObjectThatIsGoneMakesItAnew() throws {
        let volume = try Volume()
        Self.plant(volume, "a", "old")
        let file = try volume.open("a", write: true)
        try volume.write(file, "new")
        volume.store.uproot(Volume.bucket, "a")
        // RGW's answer since 2025.
        volume.store.setFirstFault("PUT", .refuse(.noSuchKey))
        try volume.close(file)
        volume.world.advance(by: .seconds(5))
        #expect(volume.text("a") == "new")
    }

    // MARK: The spool

    @Test func aFileThatAFullJournalRefusedIsNotHalfThere() throws {
        let volume = try Volume()
        volume.journal.setFailure(.full)
        #expect(throws: FileSystemError.spoolFull) { try volume.create("a") }
        #expect(throws: FileSystemError.spoolFull) { try volume.symlink("l", "t") }
        #expect(throws: FileSystemError.notFound) { try volume.attributes("a") }
        volume.journal.setFailure(nil)
        try volume.save("b", "text")
        let again = try Volume(remounting: volume)
        again.settle()
        #expect(again.text("b") == "text")
        #expect(again.text("a") == nil)
        #expect(try again.dataFiles().isEmpty)
    }

    @Test func closingAReaderDoesNotSendAWritersHalf() throws {
        let volume = try Volume()
        Self.plant(volume, "a", "old")
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "ha")
        #expect(try volume.load("a") == "ha")
        let reader = try volume.open("a")
        try volume.close(reader)
        volume.settle()
        #expect(volume.text("a") == "old")
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "ha")
    }

    // MARK: Directories

    @Test func aDirectoryThatOnlyItsModeIsUnsentOfIsNotTakenForEmpty() throws {
        let volume = try Volume()
        Self.plant(volume, "d/a", "text")
        try volume.change("d") { $0.permissions = 0o700 }
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("d") }
    }

    @Test(arguments: 0..<14)
    func whatIsRemovedWhileItsDirectoryIsRenamedStaysRemoved(steps: Int) throws {
        let volume = try Volume()
        for key: ObjectKey in ["d/a", "d/b", "d/c"] { Self.plant(volume, key, "text") }
        let inode = try volume.inode("d")
        _ = try volume.inode("d/a")
        let moved = volume.begin { (reply: consuming Reply<Void>) in
            volume.fileSystem.rename(.root, "d", to: .root, "e", .replace, reply)
        }
        for _ in 0..<steps { _ = volume.world.step() }
        try volume.call { volume.fileSystem.unlink(inode, "a", $0) }
        volume.settle()
        #expect(throws: Never.self) { try moved.result?.get() }
        #expect(try volume.names(in: "e") == ["b", "c"])
        #expect(volume.text("e/a") == nil)
        #expect(volume.text("d/a") == nil)
    }

    @Test(arguments: 0..<14)
    func renamesBelowARenamedDirectoryWait(steps: Int) throws {
        let volume = try Volume()
        for key: ObjectKey in ["d/a", "d/b"] { Self.plant(volume, key, "text") }
        let inode = try volume.inode("d")
        _ = try volume.inode("d/a")
        let moved = volume.begin { (reply: consuming Reply<Void>) in
            volume.fileSystem.rename(.root, "d", to: .root, "e", .replace, reply)
        }
        for _ in 0..<steps { _ = volume.world.step() }
        try volume.call { volume.fileSystem.rename(inode, "a", to: inode, "c", .replace, $0) }
        volume.settle()
        #expect(throws: Never.self) { try moved.result?.get() }
        #expect(try volume.names(in: "") == ["e"])
        #expect(try volume.names(in: "e") == ["b", "c"])
        let files = volume.store.keys(Volume.bucket).filter { !$0.hasSuffix("/") }
        #expect(files == ["e/b", "e/c"])
        #expect(volume.store.violations.isEmpty)
    }

    @Test(arguments: 0..<10)
    func aListingThatARenameOvertakesIsAskedAgain(steps: Int) throws {
        let volume = try Volume()
        for key: ObjectKey in ["d/a", "d/bcdefghijk"] { Self.plant(volume, key, "text") }
        let inode = try volume.inode("d")
        let handle = try volume.call { volume.fileSystem.opendir(inode, $0) }.handle
        let listed = volume.begin { (reply: consuming Reply<[DirectoryEntry]>) in
            volume.fileSystem.readdir(
                inode, handle, offset: 0, budget: DirectoryBudget(bytes: 4096, fixedBytes: 24),
                plus: false, reply)
        }
        for _ in 0..<steps { _ = volume.world.step() }
        try volume.rename("d", "longer-name-than-the-key")
        volume.settle()
        #expect(try listed.result?.get().count == 4)
        #expect(try volume.names(in: "longer-name-than-the-key") == ["a", "bcdefghijk"])
    }

    @Test(arguments: 0..<8)
    func aChangeOfModeDuringARenameIsKept(steps: Int) throws {
        let volume = try Volume()
        Self.plant(volume, "a", "text")
        let inode = try volume.inode("a")
        let moved = volume.begin { (reply: consuming Reply<Void>) in
            volume.fileSystem.rename(.root, "a", to: .root, "b", .replace, reply)
        }
        for _ in 0..<steps { _ = volume.world.step() }
        var changes = AttributeChanges()
        changes.permissions = 0o600
        let edit = changes
        _ = try volume.call { volume.fileSystem.setattr(inode, edit, Volume.caller, $0) }
        volume.settle()
        #expect(throws: Never.self) { try moved.result?.get() }
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("b").permissions == 0o600)
    }

    // MARK: Conflicts

    @Test func twoConflictsOfANameWithinASecondKeepBothContents() throws {
        let volume = try Volume()
        Self.plant(volume, "a", "theirs")
        for text in ["mine 1", "mine 2"] {
            let file = try volume.open("a", write: true, truncate: true)
            try volume.write(file, text)
            Self.plant(volume, "a", "theirs, after \(text)")
            try volume.close(file)
            volume.world.advance(by: .milliseconds(400))
        }
        volume.settle()
        let texts = volume.store.keys(Volume.bucket).compactMap { volume.text($0) }
        #expect(texts.contains("mine 1"))
        #expect(texts.contains("mine 2"))
    }
}
