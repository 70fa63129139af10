import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// copy_file_range.
@Suite struct CopyRangeTests {
    private let content = [UInt8](repeating: 7, count: 300_000)

    private func planted() throws -> Volume {
        let volume = try Volume()
        volume.store.plant(
            Volume.bucket, "a", content,
            metadata: ObjectMetadata(contentType: "text/css", user: ["mode": "33188", "x": "y"]))
        return volume
    }

    private func copy(
        _ volume: Volume, _ from: (InodeNumber, HandleID), _ to: (InodeNumber, HandleID),
        at offset: UInt64 = 0, count: UInt64 = 1 << 30
    ) throws -> UInt64 {
        try volume.call {
            volume.fileSystem.copyRange(
                FileSystem.CopyRange(
                    source: (from.0, from.1, offset), target: (to.0, to.1, 0), count: count), $0)
        }
    }

    private func transfers(_ volume: Volume) -> [String] {
        volume.store.requests.map(\.method).filter { ["GET", "PUT", "COPY"].contains($0) }
    }

    @Test func aWholeObjectIsCopiedByTheServer() throws {
        let volume = try planted()
        let source = try volume.open("a")
        let target = try volume.create("b", 0o600)
        #expect(try copy(volume, source, target) == 300_000)
        #expect(volume.store.object(Volume.bucket, "b")?.bytes == content)
        #expect(transfers(volume) == ["COPY"])
        #expect(try volume.attributes("b").size == 300_000)
        #expect(try volume.read(target, count: 10) == Array(content.prefix(10)))
        try volume.close(target)
        volume.settle()
        #expect(transfers(volume).filter { $0 != "GET" } == ["COPY"])
        let metadata = try #require(volume.store.object(Volume.bucket, "b")).head.metadata
        #expect(metadata.user["mode"] == String(0o100600))
        #expect(metadata.user["x"] == nil, "a copy is a new file with attributes of its own")
        #expect(try Volume(remounting: volume).attributes("b").permissions == 0o600)
    }

    @Test func theCopyCanBeChangedAtOnce() throws {
        let volume = try planted()
        let source = try volume.open("a")
        let target = try volume.create("b")
        #expect(try copy(volume, source, target) == 300_000)
        try volume.write(target, "new", at: 100)
        try volume.close(target)
        try volume.change("b") { $0.mtime = .at(WallTime(seconds: 5)) }
        volume.settle()
        var expected = content
        expected.replaceSubrange(100..<103, with: Array("new".utf8))
        #expect(volume.store.object(Volume.bucket, "b")?.bytes == expected)
        #expect(volume.store.object(Volume.bucket, "a")?.bytes == content)
        #expect(volume.store.violations.isEmpty)
    }

    @Test func everythingElseIsLeftToTheKernel() throws {
        let volume = try planted()
        volume.store.plant(Volume.bucket, "small", [1, 2, 3])
        try volume.save("dirty", String(repeating: "x", count: 300_000))
        let source = try volume.open("a")
        let target = try volume.create("b")
        func refuses(_ body: () throws -> UInt64) {
            #expect(throws: FileSystemError.notSupported) { _ = try body() }
        }
        refuses { try copy(volume, source, target, at: 1) }
        refuses { try copy(volume, source, target, count: 299_999) }
        refuses { try copy(volume, try volume.open("small"), target) }
        refuses { try copy(volume, try volume.open("dirty"), target) }
        try volume.save("old", "text")
        volume.settle()
        refuses { try copy(volume, source, try volume.open("old", write: true, truncate: true)) }
        try volume.write(target, "x")
        refuses { try copy(volume, source, target) }
        #expect(throws: FileSystemError.badHandle) { _ = try copy(volume, source, source) }
        #expect(!transfers(volume).contains("COPY"))
    }

    @Test func aCopyThatIsRefusedIsAnError() throws {
        let volume = try planted()
        let source = try volume.open("a")
        let target = try volume.create("b")
        volume.store.setFault { $0.method == "COPY" ? .refuse(.quotaExceeded) : nil }
        #expect(throws: FileSystemError.quotaExceeded) { _ = try copy(volume, source, target) }
    }

    @Test func aKillWhileTheServerCopiesLosesNothingElse() throws {
        let volume = try planted()
        let source = try volume.open("a")
        let target = try volume.create("b")
        volume.store.setFault { $0.method == "COPY" ? .loseAnswer : nil }
        _ = volume.begin {
            volume.fileSystem.copyRange(
                FileSystem.CopyRange(
                    source: (source.0, source.1, 0), target: (target.0, target.1, 0),
                    count: 1 << 30), $0)
        }
        volume.world.run()
        volume.store.setFault(nil)
        let again = try Volume(remounting: volume)
        again.world.advance(by: .seconds(200))
        #expect(again.store.keys(Volume.bucket) == ["a", "b"])
        #expect(again.store.object(Volume.bucket, "b")?.bytes == content)
    }
}
