import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Large objects that are changed in part.
@Suite struct PartialTests {
    private static let size = 400_000

    private func volume() throws -> (Volume, [UInt8]) {
        let volume = try Volume(large)
        let bytes = (0..<Self.size).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
        volume.store.plant(Volume.bucket, "big", bytes)
        return (volume, bytes)
    }

    private let large: @Sendable (inout VolumeConfiguration) -> Void = {
        $0.wholeBytesMax = 1000
        $0.writebackDelay = .seconds(5)
    }

    private func gets(_ volume: Volume) -> Int {
        volume.store.requests.count { $0.method == "GET" }
    }

    private func content(_ volume: Volume, _ key: ObjectKey = "big") -> [UInt8]? {
        volume.store.object(Volume.bucket, key)?.bytes
    }

    private func replace(_ bytes: inout [UInt8], _ text: String, at offset: Int) {
        bytes.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
    }

    private func all(_ volume: Volume, _ path: String) throws -> [UInt8] {
        let file = try volume.open(path)
        defer { volume.release(file) }
        var bytes: [UInt8] = []
        while true {
            let more = try volume.read(file, at: UInt64(bytes.count), count: 30_000)
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    @Test func aWriteFetchesNothingAndTheUploadEverythingElse() throws {
        var (volume, bytes) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "hello", at: 100_000)
        #expect(gets(volume) == 0)
        #expect(try volume.attributes("big").size == UInt64(Self.size))
        try volume.close(file)
        #expect(gets(volume) == 0)
        volume.world.advance(by: .seconds(20))
        replace(&bytes, "hello", at: 100_000)
        #expect(content(volume) == bytes)
        #expect(gets(volume) <= 2)
        #expect(try volume.dataFiles().isEmpty)
        let rows = try volume.journal.load()
        #expect(rows.nodes.isEmpty && rows.partials.isEmpty && rows.extents.isEmpty)
    }

    @Test func readsMixTheSpoolAndTheObject() throws {
        var (volume, bytes) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "hello", at: 100_000)
        try volume.write(file, "end", at: UInt64(Self.size))
        replace(&bytes, "hello", at: 100_000)
        bytes += Array("end".utf8)
        #expect(try volume.read(file, at: 100_000, count: 5) == Array("hello".utf8))
        #expect(gets(volume) == 0, "what was written is here")
        #expect(try volume.read(file, at: 99_998, count: 9) == Array(bytes[99_998..<100_007]))
        #expect(try all(volume, "big") == bytes)
    }

    @Test func fetchedBytesNeverReplaceWrittenOnes() throws {
        var (volume, bytes) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "1", at: 0)
        let read = volume.begin {
            volume.fileSystem.read(file.0, file.1, offset: 200_000, count: 10, $0)
        }
        #expect(read.result == nil, "the object is being asked")
        try volume.write(file, "newer", at: 200_000)
        volume.world.run()
        replace(&bytes, "1", at: 0)
        replace(&bytes, "newer", at: 200_000)
        #expect(read.result != nil)
        #expect(try all(volume, "big") == bytes)
    }

    @Test func whatWasWrittenSurvivesAKill() throws {
        var (volume, bytes) = try volume()
        let file = try volume.open("big", write: true)
        for offset in [0, 77_777, 399_000, Self.size - 2] {
            try volume.write(file, "xyz", at: UInt64(offset))
            if offset + 3 > bytes.count { bytes += [0] }
            replace(&bytes, "xyz", at: offset)
        }
        _ = try volume.read(file, at: 50_000, count: 10)
        let again = try Volume(remounting: volume, large)
        #expect(try all(again, "big") == bytes)
        again.world.advance(by: .seconds(20))
        #expect(content(again) == bytes)
    }

    @Test func afterAPowerCutOnlySyncedRangesCount() throws {
        var (volume, bytes) = try volume()
        let first = try volume.open("big", write: true)
        try volume.write(first, "synced", at: 100)
        try volume.close(first)
        volume.world.advance(by: .seconds(1))
        let file = try volume.open("big", write: true)
        try volume.write(file, "late", at: 200_000)
        replace(&bytes, "synced", at: 100)
        let again = try Volume(remounting: volume, afterPowerCut: true, large)
        #expect(try all(again, "big") == bytes, "what may not be on the disk is the object's")
        again.world.advance(by: .seconds(20))
        #expect(content(again) == bytes)
    }

    @Test func aCutFetchesOnlyWhatIsKept() throws {
        let (volume, bytes) = try volume()
        try volume.change("big") { $0.size = 200_000 }
        #expect(gets(volume) == 0)
        try volume.change("big") { $0.size = 200_010 }
        volume.world.advance(by: .seconds(20))
        #expect(content(volume) == bytes[..<200_000] + [UInt8](repeating: 0, count: 10))
    }

    @Test func anEmptiedFileNeedsNothing() throws {
        let (volume, _) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "x", at: 100)
        try volume.change("big") { $0.size = 0 }
        try volume.write(file, "new", at: 0)
        try volume.close(file)
        volume.world.advance(by: .seconds(20))
        #expect(content(volume) == Array("new".utf8))
        #expect(gets(volume) == 0)
    }

    @Test func anotherClientsVersionIsNotMixedIn() throws {
        let (volume, _) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "mine", at: 100)
        volume.store.plant(Volume.bucket, "big", [UInt8](repeating: 9, count: Self.size))
        try volume.close(file)
        volume.world.advance(by: .seconds(20))
        #expect(content(volume) == [UInt8](repeating: 9, count: Self.size))
        #expect(volume.fileSystem.status().failures.count == 1)
        let reader = try volume.open("big")
        #expect(try volume.read(reader, at: 100, count: 4) == Array("mine".utf8))
        #expect(throws: FileSystemError.stale) { try volume.read(reader, at: 0, count: 10) }
    }

    @Test func aRenamedFileAndANewOneInItsPlaceAreBothWhole() throws {
        var (volume, bytes) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "moved", at: 100)
        try volume.close(file)
        try volume.rename("big", "other")
        try volume.save("big", "new")
        volume.world.advance(by: .seconds(60))
        replace(&bytes, "moved", at: 100)
        #expect(content(volume, "other") == bytes)
        #expect(content(volume) == Array("new".utf8))
    }

    /// Its number may be given to another file.
    @Test func aReplacedFileLeavesNoRows() throws {
        let (volume, _) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "hello", at: 100_000)
        try volume.close(file)
        volume.world.advance(by: .seconds(2))
        #expect(try volume.journal.load().partials.count == 1)
        try volume.save("other", "small")
        try volume.rename("other", "big")
        volume.fileSystem.forget(file.0, count: .max)
        volume.world.advance(by: .seconds(20))
        let rows = try volume.journal.load()
        #expect(rows.partials.isEmpty)
        #expect(rows.extents.isEmpty)
        #expect(volume.text("big") == "small")
    }

    @Test func aRemovedFileThatIsOpenCanStillBeRead() throws {
        var (volume, bytes) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, "mine", at: 100)
        try volume.unlink("big")
        volume.world.advance(by: .seconds(60))
        replace(&bytes, "mine", at: 100)
        #expect(try volume.read(file, at: 0, count: Self.size) == bytes)
        try volume.close(file)
        volume.world.advance(by: .seconds(60))
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        #expect(try volume.dataFiles().isEmpty)
    }

    @Test func aFailedWriteLeavesTheObjectsBytes() throws {
        let (volume, bytes) = try volume()
        let file = try volume.open("big", write: true)
        try volume.write(file, String(decoding: bytes[..<1], as: UTF8.self), at: 0)
        volume.files.faults.set { call, _ in
            call == .write ? .failed(operation: "test", errno: 5) : nil
        }
        #expect(throws: FileSystemError.inputOutput) { try volume.write(file, "x", at: 100) }
        volume.files.faults.set(nil)
        #expect(try volume.read(file, at: 90, count: 20) == Array(bytes[90..<110]))
    }
}
