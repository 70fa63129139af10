import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Attributes of the names of large directories: from the listing, or asked for ahead.
@Suite struct ListedAttributesTests {
    private func volume(_ count: Int, _ source: AttributeSource) throws -> Volume {
        let volume = try Volume { $0.attributeSource = source }
        for index in 0..<count {
            volume.store.plant(Volume.bucket, try ObjectKey("d/\(10_000 + index)"), [1])
        }
        return volume
    }

    private func requests(_ volume: Volume, _ method: String) -> Int {
        volume.store.requests.count { $0.method == method }
    }

    /// `ls -l`
    private func look(_ volume: Volume) throws -> [String] {
        let names = try volume.names(in: "d")
        for name in names { _ = try volume.attributes("d/" + name) }
        return names
    }

    @Test(arguments: [100, 2500])
    func withAListingNoObjectIsAskedFor(count: Int) throws {
        let volume = try volume(count, .list)
        for seconds in [0, 10, 1000] {
            volume.world.advance(by: .seconds(seconds))
            volume.store.clearRequests()
            #expect(try look(volume).count == count)
            #expect(volume.store.requests.allSatisfy { $0.method == "LIST" })
            #expect(requests(volume, "LIST") <= 3 + 2 * count / 1000, "after \(seconds) s")
        }
    }

    @Test(arguments: [100, 2500])
    func withAListingOneNameIsLookedAtByListing(count: Int) throws {
        let volume = try volume(count, .list)
        #expect(try volume.attributes("d/10050").size == 1)
        volume.world.advance(by: .seconds(100))
        volume.store.plant(Volume.bucket, "d/10050", [1, 2])
        volume.store.uproot(Volume.bucket, "d/10051")
        volume.store.plant(Volume.bucket, "d/10052/below", [1])
        volume.store.plant(Volume.bucket, "d/10053", [])
        #expect(try volume.attributes("d/10050").size == 2)
        #expect(throws: FileSystemError.notFound) { try volume.attributes("d/10051") }
        #expect(try volume.attributes("d/10052").kind == .directory)
        #expect(requests(volume, "HEAD") == 0)
        #expect(try volume.attributes("d/10053").size == 0)
        #expect(requests(volume, "HEAD") == 1, "an empty object may be one of Swift's large ones")
        #expect(try volume.load("d/10050").utf8.count == 2)
    }

    @Test func aVersionFromTheListingIsReadAndChangedAsAWhole() throws {
        let volume = try volume(1200, .list)
        let file = try volume.open("d/10700")
        #expect(try volume.read(file) == [1])
        volume.world.advance(by: .seconds(100))
        volume.store.plant(Volume.bucket, "d/10700", [1, 2, 3])
        #expect(try volume.attributes("d/10700").size == 3)
        #expect(throws: FileSystemError.stale) { try volume.read(file) }
        volume.release(file)
        #expect(try volume.load("d/10700").utf8.count == 3)
        try volume.change("d/10700") { $0.permissions = 0o600 }
        volume.settle()
        volume.world.advance(by: .seconds(100))
        #expect(try volume.attributes("d/10700").permissions == 0o600)
    }

    @Test func whatIsChangedHereIsNotTakenFromAListing() throws {
        let volume = try volume(1200, .list)
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        try volume.save("d/10700", "mine, longer")
        volume.world.advance(by: .seconds(100))
        #expect(try volume.attributes("d/10699").size == 1)
        #expect(try volume.attributes("d/10700").size == 12)
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(100))
        #expect(volume.text("d/10700") == "mine, longer")
        #expect(try volume.attributes("d/10700").size == 12)
    }

    /// How many answers a reader of all attributes waits for, one after another.
    private func waits(_ volume: Volume) throws -> Int {
        let directory = try volume.inode("d")
        var waits = 0
        for name in try volume.names(in: "d") {
            let entry = try EntryName(Array(name.utf8))
            let box = volume.begin { volume.fileSystem.lookup(directory, entry, $0) }
            if box.result == nil { waits += 1 }
            while box.result == nil, volume.world.step() {}
            #expect(throws: Never.self) { try box.result?.get() }
        }
        return waits
    }

    @Test(arguments: [500, 2500])
    func attributesAreAskedForAhead(count: Int) throws {
        let volume = try volume(count, .posix)
        for seconds in [0, 1000] {
            volume.world.advance(by: .seconds(seconds))
            volume.store.clearRequests()
            #expect(try waits(volume) <= count / 16, "after \(seconds) s")
            #expect(requests(volume, "HEAD") <= count + 2, "each once")
        }
    }

    @Test func whoJumpsIsFollowed() throws {
        let volume = try volume(900, .posix)
        _ = try volume.names(in: "d")
        for start in [600, 10, 300] {
            for index in start..<start + 3 { _ = try volume.attributes("d/\(10_000 + index)") }
            volume.world.run()
            volume.store.clearRequests()
            for index in start + 3..<start + 20 {
                _ = try volume.attributes("d/\(10_000 + index)")
            }
            #expect(requests(volume, "HEAD") <= 64)
            #expect(try volume.attributes("d/\(10_000 + start + 20)").size == 1)
        }
    }
}
