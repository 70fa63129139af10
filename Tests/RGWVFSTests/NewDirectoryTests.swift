import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// What the spool alone knows is answered from there for as long as it is so.
@Suite struct NewDirectoryTests {
    private func silent(_ volume: Volume) {
        volume.store.setFault { _ in .refuse(.unreachable) }
        volume.store.clearRequests()
    }

    private func answers(_ volume: Volume) throws {
        #expect(try volume.names(in: "d").sorted() == ["a", "sub"])
        #expect(throws: FileSystemError.notFound) { try volume.inode("d/none") }
        #expect(try volume.load("d/a") == "text")
        #expect(try volume.names(in: "d/sub") == ["b"])
        try volume.save("d/sub/c", "more")
        try volume.unlink("d/sub/c")
        #expect(!volume.store.requests.contains { $0.method == "LIST" || $0.method == "HEAD" })
    }

    @Test(arguments: [false, true]) func aNewDirectoryNeedsNoServer(remounted: Bool) throws {
        var volume = try Volume()
        _ = try volume.names(in: "")
        silent(volume)
        try volume.mkdir("d")
        try volume.save("d/a", "text")
        try volume.mkdir("d/sub")
        try volume.save("d/sub/b", "text")
        if remounted {
            volume = try Volume(remounting: volume)
            silent(volume)
        }
        volume.world.advance(by: .seconds(300))
        volume.store.clearRequests()
        try answers(volume)
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(300))
        #expect(volume.store.keys(Volume.bucket) == ["d/", "d/a", "d/sub/", "d/sub/b"])
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test func afterARemountADirectoryWithSomethingInTheBucketIsAskedFor() throws {
        var volume = try Volume()
        _ = try volume.names(in: "")
        // The marker does not get there, what is below it does.
        volume.store.setFault { $0.description == "PUT d/" ? .refuse(.unreachable) : nil }
        try volume.mkdir("d")
        try volume.mkdir("d/sub")
        try volume.save("d/sub/a", "text")
        volume.settle()
        #expect(volume.text("d/sub/a") == "text")
        volume.world.advance(by: .seconds(60))
        #expect(try volume.names(in: "d") == ["sub"])
        volume = try Volume(remounting: volume)
        #expect(try volume.names(in: "d") == ["sub"])
        #expect(try volume.names(in: "d/sub") == ["a"])
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("d") }
    }

    @Test func onceItIsInTheBucketOthersAreHeardOf() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        volume.settle()
        volume.store.plant(Volume.bucket, "d/theirs", [1])
        volume.world.advance(by: .seconds(31))
        #expect(try volume.names(in: "d") == ["theirs"])
    }
}
