import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// Data files that are made before anybody needs them.
@Suite struct SpareFilesTests {
    private func copied(_ names: ClosedRange<Int>, into volume: Volume) throws {
        for name in names { try volume.save("\(name)", "\(name)") }
    }

    @Test func manyNewFilesFindTheirsMade() throws {
        let volume = try Volume { $0.spareFilesMax = 4 }
        try copied(1...3, into: volume)
        volume.world.run()
        let spare = volume.fileSystem.spareFiles
        #expect(spare.count == 4)
        try volume.save("4", "4")
        #expect(Set(volume.fileSystem.spareFiles).count == 3)
        #expect(Set(volume.fileSystem.spareFiles).isSubset(of: spare))
        try copied(5...40, into: volume)
        volume.world.advance(by: .seconds(60))
        for name in 1...40 { #expect(volume.text("\(name)") == "\(name)") }
        #expect(try volume.dataFiles().isEmpty)
        #expect(volume.store.violations.isEmpty)
    }

    @Test func aFileNowAndThenFindsNone() throws {
        let volume = try Volume()
        for name in 1...5 {
            try volume.save("\(name)", "x")
            volume.world.advance(by: .seconds(2))
        }
        #expect(volume.fileSystem.spareFiles.isEmpty)
        #expect(try volume.files.list().isEmpty)
    }

    @Test func whatNobodyTookGoesWithTheMount() throws {
        let volume = try Volume()
        try copied(1...3, into: volume)
        volume.world.advance(by: .seconds(60))
        #expect(!volume.fileSystem.spareFiles.isEmpty)
        volume.fileSystem.stop()
        volume.world.run()
        #expect(try volume.files.list().isEmpty)
    }

    @Test(arguments: [false, true])
    func whatNobodyTookGoesAfterACrash(isPowerCut: Bool) throws {
        let volume = try Volume { $0.writebackDelay = .seconds(20) }
        try copied(1...3, into: volume)
        volume.world.advance(by: .seconds(2))
        let spare = volume.fileSystem.spareFiles
        #expect(spare.count > 4)
        let again = try Volume(remounting: volume, afterPowerCut: isPowerCut) {
            $0.writebackDelay = .seconds(20)
        }
        let left = try again.files.list()
        #expect(left.count == 3)
        #expect(Set(left).isDisjoint(with: spare))
        #expect(again.files.lost.isEmpty)
        for name in 1...3 { #expect(try again.load("\(name)") == "\(name)") }
    }

    /// Only who needs a file and gets none is told.
    @Test func aSpareFileThatCannotBeMadeFailsNothing() throws {
        let volume = try Volume()
        try volume.save("1", "1")
        let made = Atomic(0)
        volume.files.faults.set { call, _ in
            guard call == .create, made.add(1, ordering: .relaxed).oldValue > 0 else { return nil }
            return .failed(operation: "open", errno: 24)
        }
        try volume.save("2", "2")
        volume.world.run()
        #expect(made.load(ordering: .relaxed) == 2, "its own, and a spare one")
        #expect(volume.fileSystem.spareFiles.isEmpty)
        #expect(throws: FileSystemError.inputOutput) { try volume.create("3") }
        volume.files.faults.set(nil)
        try copied(3...6, into: volume)
        volume.world.advance(by: .seconds(60))
        #expect(volume.store.keys(Volume.bucket).count == 6)
        #expect(!volume.fileSystem.spareFiles.isEmpty)
    }
}
