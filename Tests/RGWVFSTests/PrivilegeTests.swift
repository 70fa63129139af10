import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// What writing, truncating and giving away take from a file, and which times move.
@Suite struct PrivilegeTests {
    private func program(_ volume: Volume, _ mode: String = "36333") throws {
        volume.store.plant(
            Volume.bucket, "a", Array("text".utf8),
            metadata: ObjectMetadata(user: [
                "mode": mode, "uid": "7", "gid": "7",
                "xattr": "%7B%22security.capability%22%3A%22AQ%3D%3D%22%7D",
            ]))
    }

    private func hasCapability(_ volume: Volume) throws -> Bool {
        let inode = try volume.inode("a")
        let name = Array("security.capability".utf8)
        return (try? volume.call { volume.fileSystem.getxattr(inode, name, $0) }) != nil
    }

    @Test func aWriteByAnOrdinaryUserDropsSetIDBitsAndCapabilities() throws {
        let volume = try Volume()
        try program(volume)
        #expect(try volume.attributes("a").permissions == 0o6755)
        let file = try volume.open("a", write: true)
        volume.fileSystem.dropPrivileges(file.0)
        try volume.write(file, "T")
        try volume.close(file)
        #expect(try volume.attributes("a").permissions == 0o755)
        #expect(try !hasCapability(volume))
        volume.settle()
        let stored = try #require(volume.store.object(Volume.bucket, "a")).head.metadata
        #expect(stored.user["mode"] == "33261")
        #expect(stored.user["xattr"] == nil)
    }

    @Test func setGroupIDWithoutExecutionMeansSomethingElseAndStays() throws {
        let volume = try Volume()
        try program(volume, String(0o102644))
        let file = try volume.open("a", write: true)
        volume.fileSystem.dropPrivileges(file.0)
        #expect(try volume.attributes("a").permissions == 0o2644)
    }

    @Test func anotherOwnerDropsThemWhoeverAsks() throws {
        let volume = try Volume()
        try program(volume)
        try volume.change("a") { $0.uid = 8 }
        #expect(try volume.attributes("a").permissions == 0o755)
        #expect(try !hasCapability(volume))
    }

    @Test func truncationDropsThemWhenTheKernelSaysSo() throws {
        let volume = try Volume()
        try program(volume)
        try volume.change("a") { $0.size = 2 }
        #expect(try volume.attributes("a").permissions == 0o6755)
        try volume.change("a") {
            $0.size = 1
            $0.dropsPrivileges = true
        }
        #expect(try volume.attributes("a").permissions == 0o755)
    }

    @Test func openingWithTruncationDropsThemWhenTheKernelSaysSo() throws {
        let volume = try Volume()
        try program(volume)
        let inode = try volume.inode("a")
        let flags = OpenFlags(read: false, write: true, truncate: true, dropsPrivileges: true)
        _ = try volume.call { volume.fileSystem.open(inode, flags, $0) }
        #expect(try volume.attributes("a").permissions == 0o755)
    }

    @Test func directoriesKeepTheirSetGroupIDBitWhenGivenAway() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        try volume.change("d") { $0.permissions = 0o2775 }
        try volume.change("d") { $0.gid = 9 }
        #expect(try volume.attributes("d").permissions == 0o2775)
    }

    @Test func emptyingAnEmptyFileMovesItsTimes() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "stamp", [])
        let before = try volume.attributes("stamp").mtime
        volume.world.advance(by: .seconds(100))
        let file = try volume.open("stamp", write: true, truncate: true)
        try volume.close(file)
        let after = try volume.attributes("stamp")
        #expect(after.mtime > before)
        #expect(after.ctime == after.mtime)
        volume.settle()
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("stamp").mtime == after.mtime)
    }

    @Test func ftruncateToTheSameSizeMovesTheTimesAndTruncateDoesNot() throws {
        let volume = try Volume()
        try volume.save("a", "text")
        let before = try volume.attributes("a").mtime
        volume.world.advance(by: .seconds(10))
        try volume.change("a") { $0.size = 4 }
        #expect(try volume.attributes("a").mtime == before)
        try volume.change("a") {
            $0.size = 4
            $0.hasHandle = true
        }
        #expect(try volume.attributes("a").mtime > before)
    }

    @Test func chmodToTheSameModeMarksTheStatusChange() throws {
        let volume = try Volume()
        try volume.save("a", "text")
        let before = try volume.attributes("a").ctime
        volume.world.advance(by: .seconds(10))
        try volume.change("a") { $0.permissions = 0o644 }
        #expect(try volume.attributes("a").ctime > before)
    }
}
