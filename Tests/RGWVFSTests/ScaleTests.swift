import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// What is done under the lock costs as much with thousands of waiting files as with a hundred.
@Suite struct ScaleTests {
    /// A mount on which so many files wait in a directory of their own; and what is needed beside them.
    private static func crowded(
        _ count: Int, _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws -> Volume {
        let volume = try Volume {
            $0.writebackDelay = .seconds(3600)
            $0.writebackDelayMax = .seconds(7200)
            adjust(&$0)
        }
        try volume.mkdir("crowd")
        try volume.mkdir("beside")
        try volume.save("beside/a", "1")
        for index in 0..<count { try volume.save("crowd/\(index)", "x") }
        volume.world.advance(by: .seconds(2))
        return volume
    }

    /// Entries that `body` visits beside those that it names.
    private static func visits(_ volume: Volume, _ body: () throws -> Void) rethrows -> Int {
        let before = volume.fileSystem.scannedEntries
        try body()
        return volume.fileSystem.scannedEntries - before
    }

    private static func compare(
        _ adjust: (inout VolumeConfiguration) -> Void = { _ in },
        _ body: (Volume) throws -> Void
    ) throws -> (few: Int, many: Int) {
        let few = try crowded(100, adjust)
        let many = try crowded(1_000, adjust)
        return (try visits(few) { try body(few) }, try visits(many) { try body(many) })
    }

    @Test func aBarrierLooksAtWhatIsNotOnTheDisk() throws {
        let cost = try Self.compare { volume in
            try volume.save("beside/b", "2")
            volume.world.advance(by: .seconds(2))
        }
        #expect(cost.many == cost.few)
    }

    @Test func theOverviewIsKeptAsChangesCome() throws {
        let cost = try Self.compare { volume in
            let overview = volume.fileSystem.overview()
            #expect(overview.pending >= 100 && overview.oldest != nil)
            _ = volume.fileSystem.status()
        }
        #expect(cost.many == cost.few)
    }

    @Test func aFullSpoolDoesNotLookAtEveryFileThatWaits() throws {
        let cost = try Self.compare({ $0.spoolBytesMax = 64 << 10 }) { volume in
            let file = try volume.create("beside/large")
            let bytes = [UInt8](repeating: 0x78, count: 48 << 10)
            let write = volume.begin {
                volume.fileSystem.write(file.0, file.1, offset: 0, bytes: bytes.span, [], $0)
            }
            // It waits until uploads have made room.
            volume.world.advance(by: .seconds(10))
            #expect(write.result != nil)
            volume.release(file)
        }
        #expect(cost.many == cost.few)
    }

    @Test func fsyncOfADirectoryLooksAtWhatIsInIt() throws {
        let cost = try Self.compare({ $0.guarantee = .local }) { volume in
            let inode = try volume.inode("beside")
            let handle = try volume.call { volume.fileSystem.opendir(inode, $0) }.handle
            try volume.call { volume.fileSystem.fsyncdir(inode, handle, $0) }
        }
        #expect(cost.many == cost.few)
    }

    @Test func aListingLooksAtWhatIsInIt() throws {
        let cost = try Self.compare { volume in
            let names = try volume.names(in: "beside")
            #expect(names == ["a"])
        }
        #expect(cost.many == cost.few)
    }

    @Test func removingLooksAtWhatIsRemoved() throws {
        let cost = try Self.compare { volume in
            try volume.unlink("beside/a")
            try volume.rmdir("beside")
            volume.world.advance(by: .seconds(1))
        }
        #expect(cost.many == cost.few)
    }
}
