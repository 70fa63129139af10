import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// The times that POSIX wants marked, of files and of the directories that name them.
@Suite struct TimesTests {
    private func times(_ volume: Volume, _ path: String) throws -> (WallTime, WallTime) {
        let attributes = try volume.attributes(path)
        return (attributes.mtime, attributes.ctime)
    }

    /// Runs `change` ten seconds later and says which of the paths had both times moved.
    private func moved(
        _ volume: Volume, _ paths: [String], _ change: () throws -> Void
    ) throws -> [String] {
        let before = try paths.map { try times(volume, $0) }
        volume.world.advance(by: .seconds(10))
        try change()
        let after = try paths.map { try times(volume, $0) }
        return zip(paths, zip(before, after)).filter { $1.0.0 < $1.1.0 && $1.0.1 < $1.1.1 }
            .map(\.0)
    }

    @Test func namesThatComeAndGoMoveTheTimesOfTheirDirectories() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        try volume.mkdir("e")
        #expect(try moved(volume, ["d", "e"]) { try volume.save("d/a", "x") } == ["d"])
        #expect(try moved(volume, ["d", "e"]) { try volume.mkdir("d/s") } == ["d"])
        #expect(try moved(volume, ["d", "e"]) { try volume.rename("d/a", "e/a") } == ["d", "e"])
        #expect(try moved(volume, ["d", "e"]) { try volume.unlink("e/a") } == ["e"])
        #expect(try moved(volume, ["d", "e"]) { try volume.rmdir("d/s") } == ["d"])
    }

    @Test func aDirectorysTimesNeverRunBackwards() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        volume.settle()
        volume.world.advance(by: .seconds(10))
        try volume.save("d/a", "x")
        volume.settle()
        let before = try times(volume, "d")
        volume.world.advance(by: .seconds(1000))
        let after = try times(volume, "d")
        #expect(after == before)
    }

    @Test func timesThatAreSetAreKept() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        try volume.save("d/a", "x")
        let old = WallTime(seconds: 1_000_000_000, nanoseconds: 5)
        try volume.change("d") { $0.mtime = .at(old) }
        try volume.change("d/a") { $0.mtime = .at(old) }
        volume.settle()
        volume.world.advance(by: .seconds(1000))
        #expect(try volume.attributes("d").mtime == old)
        #expect(try volume.attributes("d/a").mtime == old)
    }

    @Test func aRenameMovesTheStatusChangeOfWhatIsRenamed() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        let before = try times(volume, "a")
        volume.world.advance(by: .seconds(10))
        try volume.rename("a", "b")
        let after = try times(volume, "b")
        #expect(after.0 == before.0)
        #expect(after.1 > before.1)
    }

    @Test func aRemovedFileThatIsOpenHasNoName() throws {
        let volume = try Volume()
        try volume.save("a", "text")
        let file = try volume.open("a", write: true)
        #expect(try volume.call { volume.fileSystem.getattr(file.0, $0) }.isRemoved == false)
        try volume.unlink("a")
        let answer = try volume.call { volume.fileSystem.getattr(file.0, $0) }
        #expect(answer.isRemoved)
        #expect(answer.attributes.size == 4)
        // It stays a file: it can be changed, cut and read.
        var changes = AttributeChanges()
        changes.permissions = 0o600
        changes.size = 2
        _ = try volume.call { volume.fileSystem.setattr(file.0, changes, Volume.caller, $0) }
        try volume.write(file, "XY", at: 2)
        #expect(String(decoding: try volume.read(file), as: UTF8.self) == "teXY")
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == nil)
    }
}
