import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Renames of what is in the bucket: answered by the journal, copied later, complete whatever happens.
@Suite struct MoveTests {
    static func volume(_ objects: [String: String]) throws -> Volume {
        let volume = try Volume()
        for (key, text) in objects {
            volume.store.plant(Volume.bucket, try ObjectKey(key), Array(text.utf8))
        }
        return volume
    }

    static func changes(_ volume: Volume) -> [String] {
        volume.store.requests.filter { !["LIST", "HEAD", "GET"].contains($0.method) }.map(
            \.description)
    }

    static func expect(
        _ volume: Volume, _ objects: [String: String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let keys = volume.store.keys(Volume.bucket).filter { !$0.hasSuffix("/") }
        #expect(keys == objects.keys.sorted(), sourceLocation: sourceLocation)
        for (key, text) in objects {
            #expect(volume.text(key) == text, "\(key)", sourceLocation: sourceLocation)
        }
        #expect(volume.fileSystem.status().pending == 0, sourceLocation: sourceLocation)
        #expect(volume.store.violations.isEmpty, sourceLocation: sourceLocation)
    }

    @Test func aKnownFileMovesWithoutTheServer() throws {
        let volume = try Self.volume(["a": "text"])
        _ = try volume.attributes("a")
        volume.store.clearRequests()
        try volume.rename("a", "b")
        #expect(volume.store.requests.isEmpty)
        #expect(try volume.names(in: "") == ["b"])
        #expect(try volume.load("b") == "text")
        #expect(Self.changes(volume).isEmpty, "read from its old key")
        volume.settle()
        #expect(Self.changes(volume) == ["COPY a -> b", "DELETE a"])
        Self.expect(volume, ["b": "text"])
        #expect(try volume.load("b") == "text")
    }

    @Test func renamedAgainItIsCopiedOnce() throws {
        let volume = try Self.volume(["a": "text"])
        try volume.rename("a", "b")
        try volume.rename("b", "c")
        volume.settle()
        #expect(Self.changes(volume) == ["COPY a -> c", "DELETE a"])
        Self.expect(volume, ["c": "text"])
    }

    @Test func renamedBackItCostsNothing() throws {
        let volume = try Self.volume(["a": "text"])
        try volume.rename("a", "b")
        try volume.rename("b", "a")
        volume.settle()
        #expect(Self.changes(volume).isEmpty)
        Self.expect(volume, ["a": "text"])
        #expect(try volume.journal.load().intents.isEmpty)
    }

    @Test func removedAgainItIsOnlyDeleted() throws {
        let volume = try Self.volume(["a": "text"])
        try volume.rename("a", "b")
        try volume.unlink("b")
        volume.settle()
        #expect(Self.changes(volume) == ["DELETE a"])
        Self.expect(volume, [:])
    }

    @Test func writtenAgainItsContentGoesUpUnderTheNewName() throws {
        let volume = try Self.volume(["a": "text"])
        try volume.rename("a", "b")
        let file = try volume.open("b", write: true)
        try volume.write(file, "T")
        try volume.close(file)
        volume.settle()
        #expect(Self.changes(volume) == ["PUT b", "DELETE a"])
        Self.expect(volume, ["b": "Text"])
    }

    @Test func changedAttributesTravelWithTheCopy() throws {
        let volume = try Self.volume(["a": "text"])
        try volume.rename("a", "b")
        try volume.change("b") { $0.permissions = 0o600 }
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("b").permissions == 0o600)
        again.settle()
        #expect(Self.changes(again) == ["COPY a -> b", "DELETE a"])
        let user = again.store.object(Volume.bucket, "b")?.head.metadata.user
        #expect(user?["mode"] == "33152")
    }

    @Test func headersThatOthersWroteMoveAlong() throws {
        let volume = try Volume()
        let metadata = ObjectMetadata(contentType: "text/x-own", user: ["colour": "red"])
        volume.store.plant(Volume.bucket, "d/a", [1], metadata: metadata)
        try volume.rename("d", "e")
        #expect(try volume.attributes("e/a").size == 1)
        volume.settle()
        #expect(volume.store.object(Volume.bucket, "e/a")?.head.metadata == metadata)
    }

    @Test func aNewFileOfTheOldNameWaitsForTheCopy() throws {
        let volume = try Self.volume(["a": "old"])
        try volume.rename("a", "b")
        try volume.save("a", "new")
        volume.settle()
        #expect(Self.changes(volume) == ["COPY a -> b", "PUT a"])
        Self.expect(volume, ["a": "new", "b": "old"])
    }

    @Test func twoFilesCanBeSwapped() throws {
        let volume = try Self.volume(["a": "A", "b": "B"])
        try volume.rename("a", "t")
        try volume.rename("b", "a")
        try volume.rename("t", "b")
        #expect(try volume.load("a") == "B")
        #expect(try volume.load("b") == "A")
        volume.settle()
        volume.settle()
        Self.expect(volume, ["a": "B", "b": "A"])
    }

    @Test func twoDirectoriesCanBeSwapped() throws {
        let volume = try Self.volume(["a/1": "A1", "a/s/2": "A2", "b/1": "B1", "b/3": "B3"])
        try volume.rename("a", "t")
        try volume.rename("b", "a")
        try volume.rename("t", "b")
        #expect(try volume.names(in: "a") == ["1", "3"])
        #expect(try volume.names(in: "b") == ["1", "s"])
        volume.settle()
        volume.settle()
        Self.expect(volume, ["a/1": "B1", "a/3": "B3", "b/1": "A1", "b/s/2": "A2"])
    }

    @Test func aReplacedFileIsNotCopiedBack() throws {
        let volume = try Self.volume(["a": "A", "b": "B", "c": "C"])
        try volume.rename("a", "b")
        try volume.rename("c", "b")
        volume.settle()
        #expect(Self.changes(volume) == ["COPY c -> b", "DELETEMANY 2"])
        Self.expect(volume, ["b": "C"])
    }

    @Test func aDirectoryWithPendingCopiesMovesOn() throws {
        let volume = try Self.volume(["d/a": "A", "d/b": "B", "x": "X"])
        try volume.rename("x", "d/x")
        try volume.rename("d", "e")
        try volume.rename("e", "f")
        #expect(try volume.names(in: "f") == ["a", "b", "x"])
        volume.settle()
        let copies = Self.changes(volume).filter { $0.hasPrefix("COPY") }
        #expect(Set(copies) == ["COPY d/a -> f/a", "COPY d/b -> f/b", "COPY x -> f/x"])
        Self.expect(volume, ["f/a": "A", "f/b": "B", "f/x": "X"])
    }

    @Test func aDirectoryRenamedBackCopiesNothing() throws {
        let volume = try Self.volume(["d/a": "A", "d/s/b": "B"])
        try volume.rename("d", "e")
        try volume.rename("e", "d")
        volume.settle()
        #expect(Self.changes(volume).allSatisfy { !$0.hasPrefix("COPY") })
        Self.expect(volume, ["d/a": "A", "d/s/b": "B"])
        #expect(try volume.names(in: "d") == ["a", "s"])
    }

    // MARK: Readers

    @Test(arguments: 0..<24)
    func aReaderReadsOnWhileItsFileMoves(steps: Int) throws {
        let volume = try Self.volume(["d/a": "text"])
        let file = try volume.open("d/a")
        try volume.rename("d", "e")
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps { _ = volume.world.step() }
        #expect(String(decoding: try volume.read(file), as: UTF8.self) == "text")
        volume.release(file)
        volume.settle()
        Self.expect(volume, ["e/a": "text"])
    }

    @Test func aReaderOfAMovedAndRemovedFileReadsOn() throws {
        let volume = try Self.volume(["a": "text"])
        try volume.rename("a", "b")
        let file = try volume.open("b")
        try volume.unlink("b")
        volume.settle()
        #expect(String(decoding: try volume.read(file), as: UTF8.self) == "text")
        volume.release(file)
        volume.settle()
        Self.expect(volume, [:])
    }

    @Test func aMovedLinkKeepsItsTarget() throws {
        let volume = try Volume()
        try volume.symlink("l", "some/where")
        volume.settle()
        try volume.rename("l", "m")
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("m").kind == .symlink)
        #expect(try again.readlink("m") == "some/where")
        again.settle()
        #expect(try again.readlink("m") == "some/where")
    }

    // MARK: Crashes

    @Test(arguments: 0..<90)
    func aTreesRenameIsCompletedWhereverTheMountDies(steps: Int) throws {
        let texts = ["d/a": "1", "d/b": "2", "d/s/c": "3", "d/s/t/e": "4", "d/z": "5"]
        var volume = try Self.volume(texts)
        volume.store.plant(Volume.bucket, "d/", [])
        volume.store.plant(Volume.bucket, "d/m/", [])
        try volume.rename("d", "e")
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps {
            _ = volume.world.step()
            expectWhole(volume, texts)
        }
        volume = try Volume(remounting: volume)
        #expect(try volume.names(in: "") == ["e"])
        #expect(try volume.names(in: "e") == ["a", "b", "m", "s", "z"])
        #expect(try volume.names(in: "e/s") == ["c", "t"])
        for (key, text) in texts { #expect(try volume.load("e" + key.dropFirst()) == text) }
        for _ in 0..<500 {
            expectWhole(volume, texts)
            if !volume.world.step() { volume.world.tick(.milliseconds(50)) }
        }
        volume.settle()
        #expect(volume.fileSystem.status().pending == 0)
        #expect(
            volume.store.keys(Volume.bucket)
                == ["e/", "e/a", "e/b", "e/m/", "e/s/c", "e/s/t/e", "e/z"])
        // A copy that was noted and not sent before the mount died is no different from one that may come late.
        volume.world.advance(by: .seconds(125))
        volume.settle()
        #expect(try volume.journal.load() == emptied(volume))
    }

    private func emptied(_ volume: Volume) throws -> JournalContents {
        let rows = try volume.journal.load()
        return JournalContents(nextInode: rows.nextInode, nextData: rows.nextData)
    }

    /// Each file exists under one of its names, whole.
    private func expectWhole(_ volume: Volume, _ texts: [String: String]) {
        for (key, text) in texts {
            let names = [volume.text(key), volume.text("e" + key.dropFirst())]
            #expect(names.contains(text), "\(key)")
        }
    }

    @Test(arguments: [StrictObjectStore.Fault.loseAnswer, .loseRequest, .late(.seconds(30))])
    func aCopyOfUnknownOutcomeIsDoneOnce(fault: StrictObjectStore.Fault) throws {
        let volume = try Self.volume(["a": "text"])
        try volume.rename("a", "b")
        volume.store.setFault { $0.method == "COPY" ? fault : nil }
        volume.world.advance(by: .milliseconds(500))
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(300))
        Self.expect(volume, ["b": "text"])
        #expect(try volume.journal.load().flights.isEmpty)
    }

    // MARK: Other clients

    @Test func theNewestVersionOfTheSourceMoves() throws {
        let volume = try Self.volume(["a": "old"])
        try volume.rename("a", "b")
        volume.store.plant(Volume.bucket, "a", Array("newer".utf8))
        volume.world.advance(by: .seconds(10))
        Self.expect(volume, ["b": "newer"])
        #expect(try volume.load("b") == "newer")
        #expect(try volume.attributes("b").size == 5)
    }

    @Test func aSourceThatIsGoneTakesTheNewNameAlong() throws {
        let volume = try Self.volume(["a": "old", "keep": "k"])
        try volume.rename("a", "b")
        volume.store.uproot(Volume.bucket, "a")
        volume.world.advance(by: .seconds(10))
        #expect(try volume.names(in: "") == ["keep"])
        Self.expect(volume, ["keep": "k"])
    }

    @Test func whatSomebodyElseWroteToTheNewNameStays() throws {
        let volume = try Self.volume(["a": "ours"])
        volume.store.setFault { $0.method == "COPY" ? .refuse(.busy) : nil }
        try volume.rename("a", "b")
        volume.world.advance(by: .seconds(10))
        volume.store.plant(Volume.bucket, "b", Array("theirs".utf8))
        volume.world.advance(by: .seconds(120))
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("b") == "theirs")
        let texts = volume.store.keys(Volume.bucket).compactMap { volume.text($0) }
        #expect(Set(texts) == ["ours", "theirs"])
        #expect(volume.text("a") == nil)
        #expect(volume.fileSystem.status().pending == 0)
    }

    // MARK: Refusals

    @Test func aRefusedCopyBringsBothNamesBack() throws {
        let volume = try Self.volume(["a": "text", "d/x": "X"])
        volume.store.setFault { $0.method == "COPY" ? .refuse(.accessDenied) : nil }
        try volume.rename("a", "b")
        try volume.rename("d", "e")
        volume.world.advance(by: .seconds(10))
        #expect(try volume.names(in: "").filter { $0 != "e" } == ["a", "d"])
        #expect(try volume.load("a") == "text")
        #expect(try volume.load("d/x") == "X")
        #expect(volume.fileSystem.status().pending == 0)
    }

    @Test func aRenameThatCannotBeTakenBackGoesUpFromTheSpool() throws {
        let volume = try Self.volume(["a": "old"])
        volume.store.setFault { $0.method == "COPY" ? .refuse(.accessDenied) : nil }
        try volume.rename("a", "b")
        try volume.save("a", "new")
        volume.world.advance(by: .seconds(200))
        Self.expect(volume, ["a": "new", "b": "old"])
    }

    @Test func anObjectTooLargeToCopyGoesUpFromTheSpool() throws {
        let volume = try Self.volume(["a": "huge"])
        volume.store.setFault { $0.method == "COPY" ? .refuse(.tooLarge) : nil }
        try volume.rename("a", "b")
        volume.world.advance(by: .seconds(200))
        Self.expect(volume, ["b": "huge"])
    }

    @Test func badCredentialsTakeNoRenameBack() throws {
        let volume = try Self.volume(["a": "text", "gone": "x"])
        volume.store.setFault {
            ["COPY", "DELETE"].contains($0.method) ? .refuse(.badCredentials) : nil
        }
        try volume.rename("a", "b")
        try volume.unlink("gone")
        volume.world.advance(by: .seconds(100))
        #expect(try volume.names(in: "") == ["b"])
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(200))
        Self.expect(volume, ["b": "text"])
    }

    /// Found by a kill of a real mount: whoever read a renamed tree was told ESTALE.
    @Test func whatWasCopiedIsReadWhileOthersAreAskedFor() throws {
        let volume = try Self.volume(["d/a": "1", "d/b": "2"])
        try volume.rename("d", "e")
        let directory = try volume.inode("e")
        volume.store.setFault { request in
            request.method == "HEAD" && request.key.hasSuffix("/b") ? .slow(.seconds(600)) : nil
        }
        let slow = volume.begin { volume.fileSystem.lookup(directory, "b", $0) }
        volume.settle()
        #expect(try volume.load("e/a") == "1")
        #expect(slow.result == nil)
    }

    /// Found by the checker's model, seed 107.
    @Test func aFileClosedWhileItsCopyWaitsLeavesNoDataBehind() throws {
        let volume = try Volume()
        let held = try volume.create("f")
        let other = try volume.open("f", write: true)
        try volume.write(other, "text")
        try volume.close(other)
        volume.settle()
        try volume.rename("f", "g")
        try volume.close(held)
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("g") == "text")
        #expect(volume.fileSystem.status() == VolumeStatus())
        #expect(try volume.dataFiles().isEmpty)
    }
}
