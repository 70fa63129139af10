import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// What takes long delays nobody who does not wait for it, and threads that others wait for never wait for a disk.
@Suite struct LaneTests {
    /// Keeps what it is given: all its threads are busy.
    private final class Busy: WorkQueue {
        private let jobs = Mutex<[@Sendable () -> Void]>([])
        func submit(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(job) } }
        var count: Int { jobs.withLock { $0.count } }
    }

    private static func crowded(_ busy: Busy) throws -> Volume {
        let volume = try Volume(isThreaded: true, long: busy) { $0.guarantee = .local }
        for index in 0..<8 {
            try volume.save("large\(index)", String(repeating: "x", count: 100 << 10))
        }
        volume.world.advance(by: .seconds(1))
        #expect(busy.count == 8)
        return volume
    }

    @Test func digestsOfLargeFilesDelayNoFsync() throws {
        let busy = Busy()
        let volume = try Self.crowded(busy)
        let file = try volume.create("small")
        try volume.write(file, "1")
        try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        try volume.close(file)
        #expect(busy.count == 8)
    }

    @Test func digestsOfLargeFilesDelayNoSmallOnes() throws {
        let busy = Busy()
        let volume = try Self.crowded(busy)
        try volume.save("small", "1")
        volume.world.advance(by: .seconds(1))
        #expect(volume.text("small") == "1")
    }

    @Test func digestsOfLargeFilesDelayNobodyWhoIsKilled() throws {
        let busy = Busy()
        let volume = try Self.crowded(busy)
        volume.store.plant(Volume.bucket, "there/x", [1])
        volume.world.advance(by: .seconds(60))
        let directory = try volume.inode("there")
        let interruption = Interruption()
        let lookup = volume.begin(interruption: interruption) {
            volume.fileSystem.lookup(directory, "y", $0)
        }
        #expect(lookup.result == nil)
        interruption.request()
        volume.world.run()
        if case .failure(.interrupted) = lookup.result {
        } else {
            Issue.record("answered with \(String(describing: lookup.result))")
        }
        #expect(busy.count == 8)
    }

    /// A debug build ends where a thread with others behind it waits for a disk.
    @Test func theNetworksThreadNeitherCommitsNorWrites() throws {
        let volume = try Volume(isThreaded: true)
        let text = String(repeating: "0123456789", count: 300_000)
        volume.store.plant(Volume.bucket, "there", Array(text.utf8))
        let file = try volume.open("there", write: true)
        try volume.write(file, "X", at: 5)
        try volume.close(file)
        try volume.mkdir("d")
        try volume.rename("there", "d/here")
        try volume.save("d/other", "1")
        volume.settle()
        try volume.change("d/other") { $0.permissions = 0o600 }
        try volume.unlink("d/other")
        volume.settle()
        #expect(volume.text("d/here")?.hasPrefix("01234X67") == true)
        #expect(try volume.dataFiles().isEmpty)
        #expect(volume.fileSystem.status().pending == 0)
    }

    @Test func whatTheDiskDoesNotTakeIsBounded() throws {
        let volume = try Volume()
        // More than may wait for the disk: the download goes on at the disk's speed.
        let bytes = [UInt8](repeating: 0x78, count: 40 << 20)
        volume.store.plant(Volume.bucket, "large", bytes)
        let file = try volume.open("large", write: true)
        try volume.write(file, "X", at: 39 << 20)
        try volume.close(file)
        let again = try volume.open("large")
        let end = try volume.read(again, at: (39 << 20) - 1, count: 3)
        #expect(end == Array("xXx".utf8))
        volume.release(again)
    }
}
