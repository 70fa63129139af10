import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// A server that cannot copy, as RGW before 20.2.3 with encrypted objects: what a copy cannot do, an upload does.
@Suite struct InsteadTests {
    private static let large = Array(repeating: UInt8(ascii: "x"), count: 3 << 20)

    private func volume(
        _ kind: ObjectStoreError.Kind, _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws -> Volume {
        let volume = try Volume(adjust)
        var metadata = ObjectMetadata()
        metadata.contentType = "image/png"
        metadata.cacheControl = "no-store"
        metadata.tags = "a=b"
        metadata.user["project"] = "x"
        metadata.user["mode"] = String(0o100640)
        for (name, bytes) in [("small", Array("text".utf8)), ("large", Self.large)] {
            volume.store.plant(Volume.bucket, try ObjectKey(name), bytes, metadata: metadata)
            volume.store.plant(
                Volume.bucket, try ObjectKey("d/sub/" + name), bytes, metadata: metadata)
        }
        var marker = ObjectMetadata()
        marker.contentType = "application/x-directory"
        marker.user["mode"] = String(0o040700)
        volume.store.plant(Volume.bucket, "d/", [], metadata: marker)
        volume.store.setFault { $0.method == "COPY" ? .refuse(kind) : nil }
        return volume
    }

    private func head(_ volume: Volume, _ key: String) throws -> ObjectHead {
        try #require(volume.store.object(Volume.bucket, try ObjectKey(key))).head
    }

    private func expectKept(_ head: ObjectHead) {
        #expect(head.metadata.contentType == "image/png")
        #expect(head.metadata.cacheControl == "no-store")
        #expect(head.metadata.tags == "a=b")
        #expect(head.metadata.user["project"] == "x")
    }

    private func expectDone(_ volume: Volume) {
        let overview = volume.fileSystem.overview()
        #expect(overview.isClean)
        #expect(overview.refused == 0)
        #expect(volume.store.violations.isEmpty)
    }

    @Test(arguments: [ObjectStoreError.Kind.notImplemented, .invalidRequest, .tooLarge])
    func attributesChange(kind: ObjectStoreError.Kind) throws {
        let volume = try volume(kind)
        for name in ["small", "large"] {
            try volume.change(name) { $0.permissions = 0o600 }
            volume.settle()
            let head = try head(volume, name)
            #expect(head.metadata.user["mode"] == String(0o100600))
            expectKept(head)
            #expect(try volume.attributes(name).permissions == 0o600)
        }
        #expect(volume.store.object(Volume.bucket, "large")?.bytes == Self.large)
        expectDone(volume)
    }

    @Test(arguments: ["small", "large"])
    func filesMove(name: String) throws {
        let volume = try volume(.notImplemented)
        try volume.rename(name, "moved")
        volume.settle()
        #expect(!volume.store.keys(Volume.bucket).contains(name))
        let head = try head(volume, "moved")
        expectKept(head)
        #expect(head.metadata.user["mode"] == String(0o100640))
        #expect(head.size == (name == "small" ? 4 : UInt64(Self.large.count)))
        expectDone(volume)
    }

    @Test func directoriesMoveAndWhoWaitsHearsTheEnd() throws {
        let volume = try volume(.notImplemented)
        try volume.rename("d", "e")
        let root = try volume.call { volume.fileSystem.opendir(.root, $0) }.handle
        try volume.call { volume.fileSystem.fsyncdir(.root, root, $0) }
        let keys = volume.store.keys(Volume.bucket)
        #expect(keys.filter { $0.hasPrefix("e/") } == ["e/", "e/sub/large", "e/sub/small"])
        #expect(!keys.contains { $0.hasPrefix("d/") })
        #expect(try head(volume, "e/").metadata.user["mode"] == String(0o040700))
        expectKept(try head(volume, "e/sub/small"))
        expectKept(try head(volume, "e/sub/large"))
        expectDone(volume)
    }

    @Test func aCopyOfARangeIsReadAndWritten() throws {
        let volume = try volume(.notImplemented)
        let source = try volume.open("large")
        let target = try volume.create("twin")
        let range = FileSystem.CopyRange(
            source: (source.0, source.1, 0), target: (target.0, target.1, 0), count: 1 << 30)
        let count = try volume.call { volume.fileSystem.copyRange(range, $0) }
        #expect(count == UInt64(Self.large.count))
        #expect(volume.store.object(Volume.bucket, "twin")?.bytes == Self.large)
        try volume.close(target)
        volume.settle()
        expectDone(volume)
    }

    /// What another client wrote to the new name meanwhile is not replaced.
    @Test func theNewNameIsNotTakenFromAnotherClient() throws {
        let volume = try volume(.notImplemented)
        try volume.rename("small", "taken")
        volume.store.plant(Volume.bucket, "taken", Array("theirs".utf8))
        volume.settle()
        #expect(volume.text("taken") == "theirs")
        let beside = volume.store.keys(Volume.bucket).filter { $0.contains(".conflict-") }
        #expect(beside.compactMap { volume.text($0) } == ["text"])
    }

    @Test func aKillWhileItIsSentLosesNothing() throws {
        let volume = try volume(.notImplemented)
        try volume.rename("small", "moved")
        try volume.change("large") { $0.permissions = 0o600 }
        volume.store.setFault {
            $0.method == "COPY" ? .refuse(.notImplemented) : $0.method == "PUT" ? .loseAnswer : nil
        }
        volume.world.advance(by: .milliseconds(400))
        let again = try Volume(remounting: volume)
        again.store.setFault { $0.method == "COPY" ? .refuse(.notImplemented) : nil }
        again.world.advance(by: .seconds(200))
        #expect(again.text("moved") == "text")
        #expect(try head(again, "large").metadata.user["mode"] == String(0o100600))
        #expect(again.fileSystem.overview().isClean)
    }

    /// A newer change of the key does not wait for the pause of one that it replaced.
    @Test func whoWaitsForANewerChangeDoesNotWaitForAnOlderOnesPause() throws {
        let volume = try Volume()
        try volume.save("a", "1")
        volume.settle()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        let file = try volume.open("a", write: true)
        try volume.write(file, "2")
        try volume.call { volume.fileSystem.flush(file.0, file.1, $0) }
        volume.world.advance(by: .seconds(2))
        volume.store.setFault(nil)
        try volume.rename("a", "b")
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        volume.world.run()
        #expect(sync.result != nil)
        volume.world.advance(by: .seconds(1))
        #expect(volume.text("b") == "2")
    }
}

/// Changes that returned success and that the server then refuses: no one is dropped without being told.
@Suite struct RefusalTests {
    private func volume() throws -> Volume {
        let volume = try Volume()
        for name in ["a", "b"] { try volume.save(name, name) }
        try volume.mkdir("d")
        volume.world.advance(by: .seconds(2))
        return volume
    }

    private func expectTold(
        _ volume: Volume, _ path: String, _ error: FileSystemError, _ root: HandleID
    ) throws {
        volume.settle()
        let overview = volume.fileSystem.overview()
        #expect(overview.isClean)
        #expect(overview.refused == 1)
        let change = try #require(overview.refusals.first)
        #expect(change.path == path)
        #expect(change.state == .refused)
        #expect(change.error?.isEmpty == false)
        #expect(throws: error) {
            try volume.call { volume.fileSystem.fsyncdir(.root, root, $0) }
        }
        try volume.call { volume.fileSystem.fsyncdir(.root, root, $0) }
    }

    private func root(_ volume: Volume) throws -> HandleID {
        try volume.call { volume.fileSystem.opendir(.root, $0) }.handle
    }

    @Test func ofAttributes() throws {
        let volume = try volume()
        let root = try root(volume)
        volume.store.setFault { $0.method == "COPY" ? .refuse(.accessDenied) : nil }
        try volume.change("a") { $0.permissions = 0o600 }
        try expectTold(volume, "a", .accessDenied, root)
        #expect(try volume.attributes("a").permissions == 0o644)
        let file = try volume.open("a", write: true)
        #expect(throws: FileSystemError.accessDenied, "nobody had it open") {
            try volume.close(file)
        }
    }

    @Test func ofAttributesOfAnObjectThatAnotherClientReplaced() throws {
        let volume = try volume()
        let root = try root(volume)
        try volume.change("a") { $0.mtime = .at(WallTime(seconds: 5)) }
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        try expectTold(volume, "a", .stale, root)
        #expect(volume.text("a") == "theirs")
    }

    @Test func ofDeletions() throws {
        let volume = try volume()
        let root = try root(volume)
        volume.store.setFault {
            ["DELETE", "DELETEMANY"].contains($0.method) ? .refuse(.accessDenied) : nil
        }
        try volume.unlink("a")
        try expectTold(volume, "a", .accessDenied, root)
        #expect(try volume.load("a") == "a")
    }

    @Test func ofADeletionOfWhatAnotherClientReplaced() throws {
        let volume = try volume()
        let root = try root(volume)
        try volume.unlink("a")
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        try expectTold(volume, "a", .stale, root)
        #expect(try volume.load("a") == "theirs")
    }

    @Test func ofRenames() throws {
        let volume = try volume()
        let root = try root(volume)
        volume.store.setFault { $0.method == "COPY" ? .refuse(.accessDenied) : nil }
        try volume.rename("a", "c")
        try expectTold(volume, "c", .accessDenied, root)
        #expect(try volume.load("a") == "a")
    }

    @Test func ofAttributesThatANewerVersionOfAMovedFileDoesNotTake() throws {
        let volume = try volume()
        let root = try root(volume)
        try volume.rename("a", "c")
        try volume.change("c") { $0.permissions = 0o600 }
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        try expectTold(volume, "c", .stale, root)
        #expect(volume.text("c") == "theirs")
    }
}
