import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// The root of all buckets: buckets are directories.
@Suite struct BucketTests {
    private func volume() throws -> Volume {
        let volume = try Volume { $0.bucket = nil }
        _ = volume.store.createBucket("music") { _ in }
        volume.world.run()
        return volume
    }

    private func text(_ volume: Volume, _ bucket: BucketName, _ key: String) throws -> String? {
        let object = volume.store.object(bucket, try ObjectKey(key))
        return object.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    private func buckets(_ volume: Volume) throws -> [String] {
        let found = Mutex<[String]>([])
        _ = volume.store.listBuckets { result in
            let names = (try? result.get())?.map(\.name.description) ?? ["no answer"]
            found.withLock { $0 = names }
        }
        volume.world.run()
        return found.withLock { $0 }
    }

    @Test func bucketsAreTheNamesOfTheRoot() throws {
        let volume = try volume()
        #expect(try volume.names(in: "") == ["music", "photos"])
        #expect(try volume.attributes("music").kind == .directory)
        #expect(try volume.names(in: "music").isEmpty)
        #expect(throws: FileSystemError.notFound) { try volume.inode("nothing") }
    }

    @Test func filesGoToTheBucketThatTheirPathNames() throws {
        let volume = try volume()
        try volume.save("photos/a", "one")
        try volume.mkdir("music/d")
        try volume.save("music/d/a", "two")
        volume.settle()
        #expect(volume.store.keys("photos") == ["a"])
        #expect(volume.store.keys("music") == ["d/", "d/a"])
        #expect(try text(volume, "photos", "a") == "one")
        #expect(try text(volume, "music", "d/a") == "two")
    }

    @Test func theRootHasNoFilesAndNoRenames() throws {
        let volume = try volume()
        #expect(throws: FileSystemError.notPermitted) { try volume.create("file") }
        try volume.save("photos/a", "one")
        #expect(throws: FileSystemError.notPermitted) { try volume.rename("photos/a", "a") }
        #expect(throws: FileSystemError.notPermitted) { try volume.rename("music", "sound") }
        #expect(throws: FileSystemError.notPermitted) {
            try volume.change("") { $0.permissions = 0o700 }
        }
        #expect(try volume.names(in: "") == ["music", "photos"])
    }

    @Test func directoriesInTheRootAreMadeAndRemovedInTheStore() throws {
        let volume = try volume()
        try volume.mkdir("films")
        #expect(try buckets(volume) == ["films", "music", "photos"])
        #expect(throws: FileSystemError.exists) { try volume.mkdir("films") }
        try volume.save("films/a", "one")
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("films") }
        try volume.unlink("films/a")
        try volume.rmdir("films")
        #expect(try buckets(volume) == ["music", "photos"])
        #expect(throws: FileSystemError.notFound) { try volume.inode("films") }
        #expect(try volume.names(in: "") == ["music", "photos"])
    }

    @Test func aBucketWithAnotherClientsFileIsNotRemoved() throws {
        let volume = try volume()
        #expect(try volume.names(in: "music").isEmpty)
        volume.store.plant("music", "song", [1])
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("music") }
        #expect(try buckets(volume) == ["music", "photos"])
    }

    @Test func aBucketsOwnModeIsKeptAndItsLastFileLeavesNoMarker() throws {
        let volume = try volume()
        try volume.save("music/a", "one")
        try volume.unlink("music/a")
        volume.settle()
        #expect(volume.store.keys("music").isEmpty)
        try volume.change("music") { $0.permissions = 0o700 }
        volume.settle()
        #expect(volume.store.keys("music") == ["/"])
        volume.world.advance(by: .seconds(100))
        #expect(try volume.attributes("music").permissions == 0o700)
        try volume.rmdir("music")
        #expect(try buckets(volume) == ["photos"])
    }

    @Test func filesAndDirectoriesMoveBetweenBuckets() throws {
        let volume = try volume()
        try volume.save("photos/a", "one")
        try volume.mkdir("photos/d")
        try volume.save("photos/d/b", "two")
        volume.settle()
        try volume.rename("photos/a", "music/a")
        try volume.rename("photos/d", "music/d")
        #expect(try volume.load("music/d/b") == "two")
        volume.settle()
        #expect(volume.store.keys("photos").isEmpty)
        #expect(volume.store.keys("music") == ["a", "d/", "d/b"])
        #expect(try text(volume, "music", "a") == "one")
        #expect(try text(volume, "music", "d/b") == "two")
    }

    @Test func whatWaitsSurvivesAKill() throws {
        let volume = try volume()
        try volume.save("photos/a", "one")
        try volume.mkdir("music/d")
        try volume.save("music/d/b", "two")
        let next = try Volume(remounting: volume) { $0.bucket = nil }
        #expect(try next.load("music/d/b") == "two")
        next.settle()
        #expect(try text(next, "photos", "a") == "one")
        #expect(try text(next, "music", "d/b") == "two")
        #expect(next.fileSystem.status().pending == 0)
    }

    @Test func aBucketThatMayNotBeListedIsOneRefusalOnly() throws {
        let volume = try volume()
        try volume.save("photos/a", "one")
        volume.store.setFault { $0.method == "LIST" ? .refuse(.accessDenied) : nil }
        #expect(try volume.names(in: "") == ["music", "photos"])
        #expect(throws: FileSystemError.accessDenied) { try volume.names(in: "music") }
        #expect(try volume.load("photos/a") == "one")
    }

    @Test func aBucketThatIsDeletedElsewhereIsNotFound() throws {
        let volume = try volume()
        _ = try volume.inode("music")
        _ = volume.store.deleteBucket("music") { _ in }
        volume.world.run()
        #expect(throws: FileSystemError.notFound) { try volume.names(in: "music") }
        #expect(try volume.names(in: "") == ["photos"])
    }
}
