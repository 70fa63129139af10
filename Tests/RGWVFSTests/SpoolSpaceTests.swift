import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// A spool that is full: who waits, who is told, and what goes on.
@Suite struct SpoolSpaceTests {
    private static let size = 600

    private func volume(_ limit: UInt64 = 1000) throws -> Volume {
        try Volume { $0.spoolBytesMax = limit }
    }

    private func text(_ letter: Character) -> String { String(repeating: letter, count: Self.size) }

    private func begin(
        _ volume: Volume, _ file: (InodeNumber, HandleID), _ text: String, at offset: UInt64 = 0
    ) -> Volume.Box<Int> {
        let bytes = Array(text.utf8)
        return volume.begin {
            volume.fileSystem.write(file.0, file.1, offset: offset, bytes: bytes.span, $0)
        }
    }

    @Test func aWriterWaitsWhileUploadsMakeRoom() throws {
        let volume = try volume()
        try volume.save("a", text("a"))
        let b = try volume.create("b")
        let write = begin(volume, b, text("b"))
        #expect(write.result == nil, "there is no room yet")
        volume.world.advance(by: .seconds(1))
        #expect(try write.result?.get() == Self.size)
        try volume.close(b)
        volume.settle()
        #expect(volume.text("a") == text("a"))
        #expect(volume.text("b") == text("b"))
    }

    /// Everything is in the bucket, and its data file is just being removed.
    @Test func aWriterWaitsForADataFileThatGoes() throws {
        let volume = try volume()
        try volume.save("a", text("a"))
        let b = try volume.create("b")
        let writes = Mutex<[Volume.Box<Int>]>([])
        volume.files.faults.set { call, _ in
            if call == .remove {
                let write = self.begin(volume, b, self.text("b"))
                writes.withLock { $0.append(write) }
            }
            return nil
        }
        volume.world.advance(by: .seconds(2))
        let write = try #require(writes.withLock { $0.first })
        #expect(try write.result?.get() == Self.size)
    }

    @Test func aWaitingWriterHasWhatWaitsSentAtOnce() throws {
        let volume = try Volume {
            $0.spoolBytesMax = 1000
            $0.writebackDelay = .seconds(600)
            $0.writebackDelayMax = .seconds(600)
        }
        try volume.save("a", text("a"))
        let b = try volume.create("b")
        let write = begin(volume, b, text("b"))
        volume.world.advance(by: .seconds(1))
        #expect(try write.result?.get() == Self.size)
    }

    @Test func withoutProgressAWriterIsToldAfterAMinute() throws {
        let volume = try volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        try volume.save("a", text("a"))
        let b = try volume.create("b")
        let write = begin(volume, b, text("b"))
        volume.world.advance(by: .seconds(50))
        #expect(write.result == nil)
        volume.world.advance(by: .seconds(15))
        #expect(throws: FileSystemError.spoolFull) { try write.result?.get() }
        #expect(try volume.attributes("b").size == 0)
        let again = begin(volume, b, text("b"))
        #expect(throws: FileSystemError.spoolFull, "nobody waits twice for nothing") {
            try again.result?.get()
        }
        #expect(try volume.load("a") == text("a"))
    }

    @Test func namesStatusAndCloseGoOnWhenTheSpoolIsFull() throws {
        let volume = try volume()
        volume.store.plant(Volume.bucket, "old", [1])
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        try volume.save("a", text("a"))
        let b = try volume.create("b")
        let other = try volume.open("b", write: true)
        let write = begin(volume, b, text("b"))
        #expect(write.result == nil)
        try volume.mkdir("d")
        try volume.rename("a", "c")
        try volume.change("c") { $0.permissions = 0o600 }
        try volume.unlink("old")
        try volume.close(other)
        #expect(volume.fileSystem.status().pending > 0)
        try volume.unlink("c")
        volume.world.advance(by: .seconds(1))
        #expect(try write.result?.get() == Self.size, "unlinking made room")
    }

    @Test func aFileThatNeverFitsIsRefusedAtOnceAndKeepsWhatItHas() throws {
        let volume = try volume()
        let file = try volume.create("big")
        try volume.write(file, text("x"))
        #expect(throws: FileSystemError.spoolFull) {
            try volume.write(file, text("y"), at: UInt64(Self.size))
        }
        try volume.close(file)
        volume.settle()
        #expect(volume.text("big") == text("x"))
    }

    @Test func anObjectThatNeverFitsIsNotFetchedForAChange() throws {
        let volume = try volume()
        volume.store.plant(Volume.bucket, "big", [UInt8](repeating: 1, count: 2000))
        let file = try volume.open("big", write: true)
        #expect(throws: FileSystemError.spoolFull) { try volume.write(file, "x") }
        #expect(!volume.store.requests.contains { $0.method == "GET" })
    }

    @Test func copiesOfOpenFilesMakeRoomWhenTheBucketHasThem() throws {
        let volume = try volume()
        try volume.save("a", text("a"))
        let reader = try volume.open("a")
        volume.settle()
        #expect(try volume.dataFiles().count == 1, "an open file keeps its copy")
        let b = try volume.create("b")
        let write = begin(volume, b, text("b"))
        volume.world.advance(by: .seconds(1))
        #expect(try write.result?.get() == Self.size)
        #expect(try volume.read(reader) == Array(text("a").utf8))
        try volume.close(b)
        volume.settle()
        #expect(volume.text("b") == text("b"))
    }

    @Test func aFullDiskCutsAFailedWriteBack() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "0123456789")
        _ = try volume.files.releaseReserve()
        volume.files.capacity = 15
        volume.world.advance(by: .seconds(1))
        #expect(throws: FileSystemError.spoolFull) {
            try volume.write(file, "abcdefghij", at: 10)
        }
        #expect(try volume.attributes("a").size == 10)
        #expect(String(decoding: try volume.read(file), as: UTF8.self) == "0123456789")
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "0123456789")
    }

    @Test func aFullDiskIsWaitedForWhileUploadsMakeRoom() throws {
        let volume = try Volume()
        try volume.save("a", text("a"))
        let b = try volume.create("b")
        _ = try volume.files.releaseReserve()
        volume.files.capacity = 1000
        let write = begin(volume, b, text("b"))
        #expect(write.result == nil)
        volume.world.advance(by: .seconds(1))
        #expect(try write.result?.get() == Self.size)
        #expect(try volume.read(b) == Array(text("b").utf8))
    }

    @Test func roomThatSomebodyElseMakesIsSeenAtOnce() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "0123456789")
        _ = try volume.files.releaseReserve()
        let roomy = volume.files.capacity
        volume.files.capacity = 10
        volume.world.advance(by: .seconds(1))
        #expect(throws: FileSystemError.spoolFull) { try volume.write(file, "x", at: 10) }
        volume.files.capacity = roomy
        try volume.write(file, "x", at: 10)
        #expect(try volume.read(file) == Array("0123456789x".utf8))
    }
}
