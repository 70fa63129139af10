import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Trees without markers, as other programs make them.
@Suite struct WalkTests {
    private func volume(_ count: Int, marked: [Int] = []) throws -> Volume {
        let volume = try Volume()
        for index in 0..<count {
            for file in 0..<5 {
                let key = try ObjectKey("t/d\(100 + index)/\(file)")
                volume.store.plant(Volume.bucket, key, [UInt8](repeating: 1, count: 9000))
            }
        }
        for index in marked {
            var metadata = ObjectMetadata()
            metadata.user = ["mode": "16832", "uid": "7"]
            volume.store.plant(
                Volume.bucket, try ObjectKey("t/d\(100 + index)/"), [], metadata: metadata)
        }
        return volume
    }

    private func requests(_ volume: Volume, _ method: String) -> Int {
        volume.store.requests.count { $0.method == method }
    }

    private func walk(_ volume: Volume) throws -> Int {
        var count = 0
        for name in try volume.names(in: "t") {
            #expect(try volume.attributes("t/" + name).kind == .directory)
            count += try volume.names(in: "t/" + name).count
        }
        return count
    }

    @Test func aWalkListsEachDirectoryAndAsksForNone() throws {
        let volume = try volume(50)
        #expect(try walk(volume) == 250)
        #expect(requests(volume, "LIST") <= 53)
        #expect(requests(volume, "HEAD") <= 4)
    }

    @Test func markersAreStillReadForModesAndOwners() throws {
        let volume = try volume(20, marked: [0, 7, 19])
        #expect(try walk(volume) == 100)
        for index in [0, 7, 19] {
            let attributes = try volume.attributes("t/d\(100 + index)")
            #expect(attributes.permissions == 0o700 && attributes.uid == 7)
        }
        #expect(try volume.attributes("t/d108").uid == 0)
    }

    @Test func whoOpensNoneListsNone() throws {
        let volume = try volume(50)
        for name in try volume.names(in: "t") { _ = try volume.attributes("t/" + name) }
        #expect(requests(volume, "LIST") <= 2)
    }

    @Test func aDirectoryThatIsGoneIsNotThere() throws {
        let volume = try volume(10)
        _ = try volume.names(in: "t")
        #expect(try volume.names(in: "t/d100").count == 5)
        for file in 0..<5 { volume.store.uproot(Volume.bucket, try ObjectKey("t/d109/\(file)")) }
        #expect(throws: FileSystemError.notFound) { try volume.attributes("t/d109") }
        #expect(try volume.names(in: "t/d101").count == 5)
    }

    @Test func ownChangesInAWalkStay() throws {
        let volume = try volume(10)
        _ = try volume.names(in: "t")
        #expect(try volume.names(in: "t/d100").count == 5)
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        try volume.save("t/d105/mine", "mine")
        try volume.mkdir("t/new")
        #expect(try walk(volume) == 51)
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(100))
        #expect(volume.text("t/d105/mine") == "mine" && volume.text("t/new/") == "")
    }
}
