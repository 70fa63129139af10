import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Bytes: reads, partial changes, truncation, versions.
@Suite struct FileTests {
    private func plant(_ volume: Volume, _ key: ObjectKey, _ text: String) {
        volume.store.plant(Volume.bucket, key, Array(text.utf8))
    }

    @Test func aPartialWriteKeepsTheRestOfTheObject() throws {
        let volume = try Volume()
        plant(volume, "a", "0123456789")
        let file = try volume.open("a", write: true)
        try volume.write(file, "XY", at: 4)
        #expect(String(decoding: try volume.read(file), as: UTF8.self) == "0123XY6789")
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "0123XY6789")
    }

    @Test(arguments: [0, 4, 10, 12]) func truncateCutsOrExtends(size: Int) throws {
        let volume = try Volume()
        plant(volume, "a", "0123456789")
        try volume.change("a") { $0.size = UInt64(size) }
        let expected =
            Array(Array("0123456789".utf8).prefix(size))
            + [UInt8](repeating: 0, count: max(0, size - 10))
        #expect(try volume.attributes("a").size == UInt64(size))
        #expect(Array(try volume.load("a").utf8) == expected)
        volume.settle()
        #expect(Array(try #require(volume.text("a")).utf8) == expected)
    }

    @Test func aLargeFileIsReadInRangesAndReadAhead() throws {
        let volume = try Volume()
        let bytes = (0..<(9 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
        volume.store.plant(Volume.bucket, "big", bytes)
        let file = try volume.open("big")
        var read: [UInt8] = []
        while read.count < bytes.count {
            let part = try volume.read(file, at: UInt64(read.count), count: 128 << 10)
            try #require(!part.isEmpty)
            read += part
        }
        #expect(read == bytes)
        let gets = volume.store.requests.filter { $0.method == "GET" }.count
        #expect(gets < 20, "\(gets) requests for 9 MiB")
        #expect(try volume.read(file, at: 9 << 20, count: 4096).isEmpty)
    }

    @Test func memoryForCleanDataIsBounded() throws {
        let volume = try Volume { $0.memoryBytes = 8 << 20 }
        volume.store.plant(Volume.bucket, "big", [UInt8](repeating: 1, count: 24 << 20))
        let file = try volume.open("big")
        for offset in stride(from: 0, to: 24 << 20, by: 1 << 20) {
            let part = try volume.read(file, at: UInt64(offset), count: 1 << 20)
            #expect(part.count == 1 << 20)
        }
        volume.world.run()
        #expect(volume.fileSystem.cachedBytes <= 8 << 20)
    }

    @Test func aReaderOfAReplacedObjectIsToldThatItIsStale() throws {
        let volume = try Volume()
        plant(volume, "a", String(repeating: "x", count: 3 << 20))
        let file = try volume.open("a")
        _ = try volume.read(file, count: 1024)
        plant(volume, "a", String(repeating: "y", count: 3 << 20))
        volume.world.advance(by: .seconds(100))
        #expect(try volume.attributes("a").size == 3 << 20)
        #expect(throws: FileSystemError.stale) {
            try volume.read(file, at: 2 << 20, count: 1024)
        }
        let again = try volume.open("a")
        #expect(try volume.read(again, at: 2 << 20, count: 1) == [0x79])
    }

    @Test func bytesFromMemoryCountAsRead() throws {
        let volume = try Volume()
        plant(volume, "a", String(repeating: "x", count: 4 << 20))
        let first = try volume.open("a")
        let second = try volume.open("a")
        _ = try volume.read(second, count: 1024)
        #expect(try volume.read(first, count: 1) == [0x78])
        plant(volume, "a", String(repeating: "y", count: 4 << 20))
        #expect(throws: FileSystemError.stale) {
            try volume.read(first, at: 3 << 20, count: 1024)
        }
    }

    /// The kernel cuts a read at the size that it knows: of another length, the new version would be cut or padded.
    @Test func aReaderThatHasReadNothingYetGetsTheNewVersionOfTheSameSize() throws {
        // Nothing of them has been fetched when they are replaced.
        let volume = try Volume { $0.smallBytesMax = 0 }
        plant(volume, "a", "older")
        plant(volume, "b", "old")
        let file = try volume.open("a")
        plant(volume, "a", "newer")
        #expect(String(decoding: try volume.read(file), as: UTF8.self) == "newer")
        #expect(try volume.attributes("a").size == 5)
        let other = try volume.open("b")
        plant(volume, "b", "newer")
        #expect(throws: FileSystemError.stale) { try volume.read(other) }
        #expect(String(decoding: try volume.read(try volume.open("b")), as: UTF8.self) == "newer")
    }

    @Test func attributesComeFromTheObjectsMetadata() throws {
        let volume = try Volume()
        volume.store.plant(
            Volume.bucket, "a", [1],
            metadata: ObjectMetadata(user: [
                "mode": "33261", "uid": "7", "gid": "8", "mtime": "1700000000.5",
            ]))
        let attributes = try volume.attributes("a")
        #expect(attributes.permissions == 0o755)
        #expect(attributes.uid == 7)
        #expect(attributes.gid == 8)
        #expect(attributes.mtime == WallTime(seconds: 1_700_000_000, nanoseconds: 500_000_000))
    }

    @Test func manyAttributesAreReadAhead() throws {
        let volume = try Volume()
        for index in 0..<200 { plant(volume, try ObjectKey("f\(1000 + index)"), "x") }
        #expect(try volume.names(in: "").count == 200)
        for index in 0..<10 { _ = try volume.attributes("f\(1000 + index)") }
        volume.world.run()
        let heads = volume.store.requests.filter { $0.method == "HEAD" }
        #expect(heads.count > 30, "\(heads.count)")
        #expect(Set(heads.map(\.key)).count == heads.count, "no object is asked for twice")
    }

    @Test func aReadOnlyMountRefusesChanges() throws {
        let volume = try Volume { $0.readOnly = true }
        plant(volume, "a", "x")
        #expect(throws: FileSystemError.readOnly) { try volume.save("b", "y") }
        #expect(throws: FileSystemError.readOnly) { try volume.change("a") { $0.permissions = 0 } }
        #expect(throws: FileSystemError.readOnly) { try volume.unlink("a") }
        #expect(try volume.load("a") == "x")
    }
}
