import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Changes that meet another client's newer version on their way to the bucket.
@Suite struct NewerVersionTests {
    private func replaced(_ edit: (inout AttributeChanges) -> Void) throws -> Volume {
        let volume = try Volume()
        try volume.save("a", "ours")
        volume.settle()
        try volume.change("a", edit)
        volume.store.plant(Volume.bucket, "a", Array("theirs, longer".utf8))
        volume.settle()
        return volume
    }

    @Test func aModeIsOfWhateverHasTheName() throws {
        let volume = try replaced { $0.permissions = 0o600 }
        let object = try #require(volume.store.object(Volume.bucket, "a"))
        #expect(object.head.metadata.user["mode"] == "\(0o100600)")
        #expect(volume.text("a") == "theirs, longer")
        #expect(try volume.load("a") == "theirs, longer")
        #expect(try volume.attributes("a").permissions == 0o600)
        #expect(volume.fileSystem.overview().refused == 0)
    }

    @Test func timesAndRightsToRunAsSomebodyElseAreNot() throws {
        for edit: (inout AttributeChanges) -> Void in [
            { $0.mtime = .at(WallTime(seconds: 5)) }, { $0.permissions = 0o4755 },
        ] {
            let volume = try replaced(edit)
            let object = try #require(volume.store.object(Volume.bucket, "a"))
            #expect(object.head.metadata.user.isEmpty)
            #expect(volume.fileSystem.overview().refused == 1)
            #expect(try volume.load("a") == "theirs, longer")
        }
    }

    @Test(arguments: [true, false])
    func whatIsRenamedAndChangedKeepsWhatAnotherClientSet(changesFirst: Bool) throws {
        let volume = try Volume { $0.fileAttributesMin = .seconds(60) }
        volume.store.plant(Volume.bucket, "a", Array("text".utf8))
        #expect(try volume.load("a") == "text")
        volume.world.advance(by: .seconds(20))
        var metadata = ObjectMetadata()
        metadata.user["note"] = "theirs"
        volume.store.plant(Volume.bucket, "a", Array("text".utf8), metadata: metadata)
        if changesFirst { try volume.change("a") { $0.permissions = 0o600 } }
        try volume.rename("a", "b")
        if !changesFirst { try volume.change("b") { $0.permissions = 0o600 } }
        volume.settle()
        let object = try #require(volume.store.object(Volume.bucket, "b"))
        #expect(object.head.metadata.user["note"] == "theirs")
        #expect(object.head.metadata.user["mode"] == "\(0o100600)")
        #expect(volume.store.keys(Volume.bucket) == ["b"])
    }

    // MARK: Two clients move a key

    /// Runs until the server has been sent a COPY, which it has not done.
    private func runUntilCopying(_ volume: Volume) {
        while !volume.store.requests.contains(where: { $0.method == "COPY" }) {
            while !volume.store.requests.contains(where: { $0.method == "COPY" }),
                volume.world.step()
            {}
            volume.world.tick(.milliseconds(10))
        }
    }

    /// The bucket has another version of "a" while its rename to "b" is on its way.
    private func replacedWhileCopying() throws -> Volume {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        #expect(try volume.load("a") == "old")
        try volume.rename("a", "b")
        runUntilCopying(volume)
        volume.store.plant(Volume.bucket, "a", Array("newer".utf8))
        return volume
    }

    @Test func aVersionThatComesWhileTheCopyIsOnItsWayMoves() throws {
        let volume = try replacedWhileCopying()
        volume.world.advance(by: .seconds(60))
        #expect(volume.store.keys(Volume.bucket) == ["b"])
        #expect(volume.text("b") == "newer")
    }

    @Test func whatIsWrittenWhileTheCopyIsRefusedGoesUp() throws {
        let volume = try replacedWhileCopying()
        let file = try volume.open("b", write: true, truncate: true)
        try volume.write(file, "ours")
        try volume.close(file)
        volume.world.advance(by: .seconds(60))
        #expect(volume.text("b") == "ours")
        #expect(volume.text("a") == "newer", "it was not seen when the name was removed")
        #expect(volume.fileSystem.status() == VolumeStatus())
        #expect(volume.fileSystem.overview().refusals.map(\.path) == ["a"])
    }

    @Test(arguments: [0, 1, 2, 3, 5, 8, 13, 21, 34])
    func twoClientsThatMoveOneKeyLoseNothing(steps: Int) throws {
        let first = try Volume()
        first.store.plant(Volume.bucket, "a", Array("old".utf8))
        let second = try Volume(
            world: first.world, store: first.store, journal: MemoryJournal(faults: SpoolFaults()),
            files: MemoryFiles(faults: SpoolFaults()))
        #expect(try first.load("a") == "old")
        #expect(try second.load("a") == "old")
        try first.rename("a", "b")
        try second.rename("a", "c")
        runUntilCopying(first)
        for _ in 0..<steps { _ = first.world.step() }
        first.store.plant(Volume.bucket, "a", Array("newer".utf8))
        first.world.advance(by: .seconds(120))
        // One at least has moved it; where the other came too late, its user is told.
        let keys = first.store.keys(Volume.bucket)
        #expect(keys.contains { first.text($0) == "newer" }, "\(keys)")
        let told = [first, second].map { $0.fileSystem.overview().refused }.reduce(0, +)
        #expect(keys.count >= 2 || told > 0, "\(keys)")
        #expect(first.fileSystem.status().pending + second.fileSystem.status().pending == 0)
    }
}
