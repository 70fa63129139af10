import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// What HEAD said is kept for the next mount and renewed by listings, and is believed only of a version that a listing
/// shows. Decision 140.
@Suite struct KnownObjectTests {
    private let count = 40

    /// Objects that another program wrote long ago.
    private func volume(
        _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws -> Volume {
        let volume = try Volume(adjust)
        for index in 0..<count { try plant(volume, "d/\(100 + index)", mode: "0", [1, 2]) }
        volume.world.advance(by: .seconds(100))
        return volume
    }

    private func plant(_ volume: Volume, _ key: String, mode: String, _ bytes: [UInt8]) throws {
        let permissions = 0o100600 + (Int(mode) ?? 0)
        volume.store.plant(
            Volume.bucket, try ObjectKey(key), bytes,
            metadata: ObjectMetadata(contentType: "a/b", user: ["mode": String(permissions)]))
    }

    private func again(
        _ volume: Volume, after seconds: Int = 0,
        _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws -> Volume {
        volume.world.advance(by: .seconds(2))
        let next = try Volume(remounting: volume, adjust)
        next.world.advance(by: .seconds(seconds))
        next.store.clearRequests()
        return next
    }

    /// `ls -l`; gives the permissions.
    @discardableResult
    private func look(_ volume: Volume) throws -> [UInt32] {
        try volume.names(in: "d").map { try volume.attributes("d/" + $0).permissions }
    }

    private func heads(_ volume: Volume) -> Int {
        volume.store.requests.count { $0.method == "HEAD" && !$0.key.hasSuffix("/") }
    }

    private func address(_ key: String) throws -> ObjectAddress {
        ObjectAddress(bucket: Volume.bucket, key: try ObjectKey(key))
    }

    @Test func theNextMountAsksForNoAttributes() throws {
        let volume = try volume()
        let before = try look(volume)
        #expect(heads(volume) == count)
        let next = try again(volume)
        #expect(try look(next) == before)
        #expect(heads(next) == 0)
        #expect(next.lockedCalls.isEmpty)
        let (inode, _) = try next.open("d/100")
        _ = inode
        #expect(try next.load("d/101").utf8.count == 2)
        #expect(heads(next) == 0)
    }

    @Test(arguments: [5, 20, 100, 1000])
    func aListingRenewsWhatIsKnown(seconds: Int) throws {
        let volume = try volume()
        try look(volume)
        for _ in 0..<3 {
            volume.world.advance(by: .seconds(seconds))
            volume.store.clearRequests()
            try look(volume)
            #expect(heads(volume) == 0)
            #expect(volume.store.requests.count <= 3)
        }
    }

    @Test func largeDirectoriesAreRenewedByTheirPages() throws {
        let volume = try Volume()
        for index in 0..<2500 { try plant(volume, "d/\(10_000 + index)", mode: "0", [1]) }
        volume.world.advance(by: .seconds(100))
        try look(volume)
        for seconds in [5, 100] {
            volume.world.advance(by: .seconds(seconds))
            volume.store.clearRequests()
            try look(volume)
            #expect(heads(volume) == 0)
            #expect(volume.store.requests.count <= 8)
        }
        let next = try again(volume)
        try look(next)
        #expect(heads(next) == 0)
    }

    @Test func oneFileIsAskedForByHEAD() throws {
        let volume = try volume()
        _ = try volume.attributes("d/110")
        volume.world.advance(by: .seconds(50))
        volume.store.clearRequests()
        _ = try volume.attributes("d/110")
        #expect(volume.store.requests.filter { $0.key == "d/110" }.map(\.method) == ["HEAD"])
    }

    @Test func metadataThatWasChangedInPlaceIsSeen() throws {
        let volume = try volume()
        try look(volume)
        volume.world.advance(by: .seconds(10))
        try plant(volume, "d/105", mode: "7", [1, 2])
        volume.world.advance(by: .seconds(100))
        #expect(try look(volume)[5] == 0o607)
        try plant(volume, "d/106", mode: "6", [1, 2])
        let next = try again(volume)
        #expect(try look(next)[6] == 0o606)
        #expect(heads(next) == 1)
    }

    @Test(arguments: [0, 1])
    func twoChangesInOneSecondAreNotTakenForOne(delay: Int) throws {
        let volume = try volume()
        try plant(volume, "d/120", mode: "1", [1, 2])
        volume.world.advance(by: .seconds(delay))
        #expect(try volume.attributes("d/120").permissions == 0o601)
        volume.world.advance(by: .seconds(delay))
        // Within the second of the first change, as its time shows.
        if delay == 0 { try plant(volume, "d/120", mode: "2", [1, 2]) }
        volume.world.advance(by: .seconds(2))
        #expect(volume.attributeStore.object(try address("d/120")) == nil)
        volume.world.advance(by: .seconds(40))
        #expect(try look(volume)[20] == (delay == 0 ? 0o602 : 0o601))
        let next = try again(volume)
        #expect(try look(next)[20] == (delay == 0 ? 0o602 : 0o601))
        #expect(heads(next) == 0)
    }

    @Test func anAnswerThatTookLongIsAsOldAsItsQuestion() throws {
        let volume = try volume()
        try plant(volume, "d/120", mode: "1", [1, 2])
        let (parent, name) = (try volume.inode("d"), try EntryName(Array("120".utf8)))
        volume.store.setFault { $0.method == "HEAD" ? .slow(.seconds(8)) : nil }
        let answer = volume.begin { volume.fileSystem.lookup(parent, name, $0) }
        volume.world.advance(by: .seconds(20))
        #expect(answer.result != nil)
        volume.world.advance(by: .seconds(2))
        #expect(volume.attributeStore.object(try address("d/120")) == nil)
    }

    @Test func whoeverLiesIsAskedAboutNothingElse() throws {
        let volume = try volume()
        func lie(_ key: String, etag: ETag, size: UInt64, seconds: Int64) throws {
            let head = ObjectHead(
                etag: etag, size: size, lastModified: WallTime(seconds: seconds),
                metadata: ObjectMetadata(user: ["mode": String(0o100777)]))
            volume.attributeStore.plant(
                try address(key), KnownObject(head: head, listed: head.lastModified))
        }
        let etag = try #require(volume.store.object(Volume.bucket, "d/100")?.head.etag)
        let time = try #require(volume.store.object(Volume.bucket, "d/100")?.head.lastModified)
        try lie("d/100", etag: "other", size: 2, seconds: time.seconds)
        try lie("d/101", etag: etag, size: 3, seconds: time.seconds)
        try lie("d/102", etag: etag, size: 2, seconds: time.seconds + 1)
        #expect(try look(volume).allSatisfy { $0 == 0o600 })
        #expect(heads(volume) == count)
    }

    @Test func aStoreThatFailsHarmsNothing() throws {
        let volume = try volume()
        volume.attributeStore.die()
        try look(volume)
        let next = try again(volume)
        #expect(try look(next).allSatisfy { $0 == 0o600 })
        #expect(heads(next) == count)
    }

    @Test func whoBelievesNothingAsks() throws {
        func none(_ configuration: inout VolumeConfiguration) {
            configuration.fileAttributesMin = .zero
            configuration.fileAttributesMax = .zero
        }
        let volume = try volume()
        try look(volume)
        let next = try again(volume, none)
        try look(next)
        #expect(heads(next) >= count)
        next.world.advance(by: .seconds(1))
        next.store.clearRequests()
        try look(next)
        #expect(heads(next) >= count)
    }

    @Test func whatWasChangedHereIsNotTakenFromWhatWasKnown() throws {
        let volume = try volume()
        try look(volume)
        try volume.change("d/103") { $0.permissions = 0o640 }
        volume.store.setFault { $0.method == "COPY" ? .refuse(.busy) : nil }
        try volume.change("d/104") { $0.permissions = 0o644 }
        volume.world.advance(by: .seconds(100))
        #expect(try look(volume)[4] == 0o644)
        volume.store.setFault(nil)
        let next = try again(volume, after: 100)
        let found = try look(next)
        #expect(found[3] == 0o640)
        #expect(found[4] == 0o644)
        #expect(try next.load("d/104").utf8.count == 2)
    }

    @Test func answersAreWrittenTogether() throws {
        let volume = try volume()
        try look(volume)
        volume.world.advance(by: .seconds(3))
        #expect(volume.attributeStore.count >= count)
        #expect(volume.attributeStore.writes <= 3)
    }

    @Test func aDirectoryOfAWalkIsKnownByItsMarker() throws {
        let volume = try Volume()
        for index in 0..<20 {
            try plant(volume, "d/\(100 + index)/", mode: "7", [])
            try plant(volume, "d/\(100 + index)/f", mode: "0", [1])
        }
        volume.world.advance(by: .seconds(100))
        func walk(_ volume: Volume) throws -> Int {
            volume.store.clearRequests()
            for name in try volume.names(in: "d") {
                let mode = try volume.attributes("d/\(name)").permissions
                _ = mode
                for below in try volume.names(in: "d/\(name)") {
                    _ = try volume.attributes("d/\(name)/\(below)")
                }
            }
            return volume.store.requests.count { $0.method == "HEAD" }
        }
        #expect(try walk(volume) > 30)
        volume.world.advance(by: .seconds(2))
        let next = try Volume(remounting: volume)
        #expect(try walk(next) <= 2)
    }
}
