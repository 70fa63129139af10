import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Metadata that another client changed is not undone by a change here: no condition covers it.
@Suite struct BeliefTests {
    private func metadata(_ volume: Volume, _ key: ObjectKey) -> ObjectMetadata? {
        volume.store.object(Volume.bucket, key)?.head.metadata
    }

    /// A file that was looked at a while ago, and whose mode, owner and note another client changed since.
    private func changed(_ after: Duration = .seconds(2)) throws -> Volume {
        let volume = try Volume {
            $0.fileAttributesMin = .seconds(60)
            $0.fileAttributesMax = .seconds(60)
        }
        try volume.save("a", "text")
        volume.settle()
        volume.world.advance(by: after)
        var theirs = try #require(metadata(volume, "a"))
        theirs.user["mode"] = String(0o100600)
        theirs.user["uid"] = "77"
        theirs.user["note"] = "theirs"
        theirs.cacheControl = "no-cache"
        volume.store.plant(Volume.bucket, "a", Array("text".utf8), metadata: theirs)
        volume.store.clearRequests()
        return volume
    }

    private func count(_ volume: Volume, _ method: String) -> Int {
        volume.store.requests.filter { $0.method == method }.count
    }

    @Test func aModeSetHereLeavesTheRest() throws {
        let volume = try changed()
        try volume.change("a") { $0.permissions = 0o644 }
        volume.settle()
        let found = try #require(metadata(volume, "a"))
        #expect(found.user["mode"] == String(0o100644))
        #expect(found.user["uid"] == "77")
        #expect(found.user["note"] == "theirs")
        #expect(found.cacheControl == "no-cache")
        #expect(count(volume, "HEAD") == 1)
        #expect(count(volume, "COPY") == 1)
        #expect(try volume.attributes("a").uid == 77)
    }

    @Test func newContentLeavesTheRest() throws {
        let volume = try changed()
        try volume.save("a", "newer")
        volume.settle()
        let found = try #require(metadata(volume, "a"))
        #expect(volume.text("a") == "newer")
        #expect(found.user["mode"] == String(0o100600))
        #expect(found.user["note"] == "theirs")
        #expect(count(volume, "HEAD") == 1)
        #expect(count(volume, "PUT") == 1)
    }

    @Test func attributesOfProgramsAreKeptOneByOne() throws {
        let volume = try changed()
        let inode = try volume.inode("a")
        try volume.call {
            volume.fileSystem.setxattr(
                inode, Array("user.a".utf8), value: [1], create: false, replace: false, $0)
        }
        volume.settle()
        let found = try #require(metadata(volume, "a"))
        #expect(found.user["xattr"] != nil)
        #expect(found.user["mode"] == String(0o100600))
    }

    @Test func anotherVersionIsAConflictAsEver() throws {
        let volume = try changed()
        volume.store.plant(Volume.bucket, "a", Array("replaced".utf8))
        try volume.save("a", "mine")
        volume.settle()
        let found = Set(volume.store.keys(Volume.bucket).compactMap { volume.text($0) })
        #expect(found == ["replaced", "mine"])
    }

    @Test func anObjectThatIsGoneIsMadeAnew() throws {
        let volume = try changed()
        volume.store.uproot(Volume.bucket, "a")
        try volume.save("a", "mine")
        volume.world.advance(by: .seconds(10))
        #expect(volume.text("a") == "mine")
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test func tagsAreReadAnew() throws {
        let volume = try changed()
        var theirs = try #require(metadata(volume, "a"))
        theirs.tags = "team=b"
        theirs.tagCount = 1
        volume.store.plant(Volume.bucket, "a", Array("text".utf8), metadata: theirs)
        try volume.change("a") { $0.permissions = 0o644 }
        volume.settle()
        #expect(metadata(volume, "a")?.tags == "team=b")
    }

    @Test func aDirectorysMarkerIsLookedAtToo() throws {
        let volume = try Volume {
            $0.directoryAttributesMin = .seconds(60)
            $0.directoryAttributesMax = .seconds(60)
        }
        try volume.mkdir("d")
        volume.settle()
        volume.world.advance(by: .seconds(2))
        var theirs = try #require(metadata(volume, "d/"))
        theirs.user["uid"] = "77"
        volume.store.plant(Volume.bucket, "d/", [], metadata: theirs)
        try volume.change("d") { $0.permissions = 0o700 }
        volume.settle()
        let found = try #require(metadata(volume, "d/"))
        #expect(found.user["uid"] == "77")
        #expect(found.user["mode"] == String(0o040700))
    }

    @Test func whatWasLookedAtJustNowCostsNoMore() throws {
        let volume = try changed(.milliseconds(10))
        volume.store.clearRequests()
        try volume.change("a") { $0.permissions = 0o644 }
        volume.settle()
        // `settle` in `changed` passed two seconds since the upload: this one is looked at, the next is not.
        volume.store.clearRequests()
        try volume.change("a") { $0.permissions = 0o600 }
        #expect(count(volume, "HEAD") == 0)
    }

    @Test func aNewFileCostsOnePut() throws {
        let volume = try Volume()
        _ = try volume.names(in: "")
        volume.store.clearRequests()
        try volume.save("a", "text")
        try volume.change("a") { $0.mtime = .now }
        volume.settle()
        #expect(volume.store.requests.map(\.method) == ["PUT"])
    }
}
