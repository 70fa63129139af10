import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// fallocate and lseek's holes.
@Suite struct AllocationTests {
    private func allocate(
        _ volume: Volume, _ file: (InodeNumber, HandleID), _ range: Range<UInt64>,
        _ allocation: Allocation
    ) throws {
        try volume.call {
            volume.fileSystem.allocate(
                file.0, file.1, range, allocation, Caller(uid: 0, gid: 0, umask: 0), $0)
        }
    }

    private func seek(
        _ volume: Volume, _ file: (InodeNumber, HandleID), _ offset: UInt64, hole: Bool
    ) throws -> UInt64 {
        try volume.call {
            volume.fileSystem.seek(file.0, file.1, from: offset, hole: hole, $0)
        }
    }

    private func planted(_ text: String = "0123456789") throws -> Volume {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array(text.utf8))
        return volume
    }

    /// The spool is on a filesystem that cannot reserve, neither for a file nor for the journal.
    @Test func aSpoolThatCannotReserveWritesAllTheSame() throws {
        let old = try planted()
        old.files.faults.set { call, _ in
            [.reserve, .allocate].contains(call) ? .failed(operation: "fallocate", errno: 95) : nil
        }
        let volume = try Volume(remounting: old)
        let file = try volume.open("a", write: true)
        #expect(throws: FileSystemError.notSupported) {
            try allocate(volume, file, 5..<12, .reserve(keepsSize: false))
        }
        try volume.write(file, "ab")
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "ab23456789")
        #expect(volume.fileSystem.overview().spoolFailure == nil)
    }

    @Test func zeroingForWhichThereIsNoRoomChangesNothing() throws {
        let volume = try planted()
        let file = try volume.open("a", write: true)
        try volume.write(file, "ab")
        volume.files.faults.set { call, _ in call == .allocate ? .full : nil }
        #expect(throws: FileSystemError.spoolFull) {
            try allocate(volume, file, 4..<8, .zero(keepsSize: true))
        }
        volume.files.faults.set(nil)
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "ab23456789")
    }

    @Test func reservingGrowsTheFileWithZeros() throws {
        let volume = try planted()
        let file = try volume.open("a", write: true)
        try allocate(volume, file, 5..<12, .reserve(keepsSize: false))
        #expect(try volume.attributes("a").size == 12)
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "0123456789\0\0")
    }

    @Test func reservingWithinAnObjectTransfersNothing() throws {
        let volume = try planted()
        let file = try volume.open("a", write: true)
        volume.store.clearRequests()
        try allocate(volume, file, 0..<10, .reserve(keepsSize: false))
        try allocate(volume, file, 0..<(1 << 30), .reserve(keepsSize: true))
        try volume.close(file)
        volume.settle()
        #expect(volume.store.requests.isEmpty)
        #expect(try volume.attributes("a").size == 10)
    }

    @Test func aPunchedHoleReadsAsZerosAndKeepsTheSize() throws {
        let volume = try planted()
        let before = try volume.attributes("a").mtime
        volume.world.advance(by: .seconds(100))
        let file = try volume.open("a", write: true)
        try allocate(volume, file, 2..<4, .punchHole)
        try allocate(volume, file, 8..<100, .punchHole)
        try volume.close(file)
        #expect(try volume.attributes("a").mtime > before)
        volume.settle()
        #expect(volume.text("a") == "01\0\04567\0\0")
    }

    @Test func aHolePunchedBehindTheEndChangesNothing() throws {
        let volume = try planted()
        let file = try volume.open("a", write: true)
        try allocate(volume, file, 10..<20, .punchHole)
        try volume.close(file)
        volume.settle()
        #expect(volume.store.requests.allSatisfy { $0.method != "PUT" && $0.method != "GET" })
    }

    @Test func aZeroedRangeMayGrowTheFile() throws {
        let volume = try planted()
        let file = try volume.open("a", write: true)
        try allocate(volume, file, 8..<20, .zero(keepsSize: true))
        #expect(try volume.attributes("a").size == 10)
        try allocate(volume, file, 9..<12, .zero(keepsSize: false))
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "01234567\0\0\0\0")
    }

    @Test func aReadersHandleMayNotAllocate() throws {
        let volume = try planted()
        let file = try volume.open("a")
        #expect(throws: FileSystemError.badHandle) {
            try allocate(volume, file, 0..<1, .punchHole)
        }
    }

    @Test func moreThanAnObjectCanHoldIsRefused() throws {
        let volume = try planted()
        let file = try volume.open("a", write: true)
        let end = VolumeConfiguration.fileBytesMax
        #expect(throws: FileSystemError.tooLarge) {
            try allocate(volume, file, 0..<(end + 1), .reserve(keepsSize: false))
        }
        #expect(throws: FileSystemError.tooLarge) { try volume.write(file, "xy", at: end - 1) }
        #expect(throws: FileSystemError.tooLarge) { try volume.change("a") { $0.size = end + 1 } }
        #expect(try volume.attributes("a").size == 10)
    }

    @Test func anObjectIsDataToItsEnd() throws {
        let volume = try planted()
        let file = try volume.open("a")
        #expect(try seek(volume, file, 3, hole: false) == 3)
        #expect(try seek(volume, file, 3, hole: true) == 10)
        for hole in [false, true] {
            #expect(throws: FileSystemError.noSuchOffset) {
                try seek(volume, file, 10, hole: hole)
            }
        }
    }

    @Test func unsentFilesAreAskedInTheSpool() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "text")
        #expect(try seek(volume, file, 1, hole: false) == 1)
        #expect(try seek(volume, file, 1, hole: true) == 4)
        #expect(throws: FileSystemError.noSuchOffset) { try seek(volume, file, 4, hole: false) }
    }
}
