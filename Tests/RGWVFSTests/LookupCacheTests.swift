import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// lookupcache=: which earlier answers about names are believed.
@Suite struct LookupCacheTests {
    private func volume(_ cache: LookupCache) throws -> Volume {
        let volume = try Volume { $0.lookupCache = cache }
        volume.store.plant(Volume.bucket, "there", [1])
        #expect(try volume.attributes("there").size == 1)
        #expect(throws: FileSystemError.notFound) { try volume.attributes("later") }
        volume.world.advance(by: .milliseconds(10))
        volume.store.plant(Volume.bucket, "later", [1, 2])
        volume.store.uproot(Volume.bucket, "there")
        return volume
    }

    @Test func allBelievesBoth() throws {
        let volume = try volume(.all)
        #expect(throws: FileSystemError.notFound) { try volume.attributes("later") }
        #expect(try volume.attributes("there").size == 1)
    }

    @Test func positiveAsksAgainForWhatWasNotThere() throws {
        let volume = try volume(.positive)
        #expect(try volume.attributes("later").size == 2)
        #expect(try volume.attributes("there").size == 1)
    }

    @Test func noneAsksForEveryName() throws {
        let volume = try volume(.none)
        #expect(try volume.attributes("later").size == 2)
        #expect(throws: FileSystemError.notFound) { try volume.attributes("there") }
    }

    @Test(arguments: [LookupCache.positive, .none])
    func ownChangesAreNeverAskedFor(cache: LookupCache) throws {
        let volume = try Volume { $0.lookupCache = cache }
        try volume.mkdir("d")
        try volume.save("d/a", "1")
        volume.store.clearRequests()
        #expect(try volume.load("d/a") == "1")
        try volume.unlink("d/a")
        #expect(throws: FileSystemError.notFound) { try volume.attributes("d/a") }
        #expect(volume.store.requests.allSatisfy { $0.method != "LIST" })
    }
}
