import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// Every file that waits keeps a descriptor: what happens when there are no more.
@Suite struct DescriptorTests {
    /// A spool that may have so many data files.
    private func limit(_ volume: Volume, to count: Int) {
        let files = volume.files
        files.faults.set { call, _ in
            guard call == .create, let have = try? files.list().count, have >= count else {
                return nil
            }
            return .tooManyFiles
        }
    }

    private func begin(
        _ volume: Volume, _ file: (InodeNumber, HandleID), _ text: String
    ) -> Volume.Box<Int> {
        let bytes = Array(text.utf8)
        return volume.begin {
            volume.fileSystem.write(file.0, file.1, offset: 0, bytes: bytes.span, $0)
        }
    }

    @Test func aNewFileWaitsForUploads() throws {
        let volume = try Volume {
            $0.writebackDelay = .seconds(50)
            $0.writebackDelayMax = .seconds(50)
            $0.spareFilesMax = 0
        }
        limit(volume, to: 3)
        for name in ["a", "b", "c"] { try volume.save(name, name) }
        let fourth = try volume.create("d")
        let write = begin(volume, fourth, "d")
        #expect(write.result == nil)
        try volume.rename("a", "e")
        try volume.unlink("b")
        volume.world.advance(by: .seconds(5))
        #expect(try write.result?.get() == 1)
        try volume.close(fourth)
        volume.world.advance(by: .seconds(120))
        #expect(volume.store.keys(Volume.bucket) == ["c", "d", "e"])
        #expect(volume.text("d") == "d")
    }

    /// As soon as there is a descriptor; what was created and never written is there too.
    @Test func aFileWithoutAnyIsAsGoodAsAnother() throws {
        let volume = try Volume { $0.spareFilesMax = 0 }
        limit(volume, to: 0)
        let file = try volume.create("a")
        #expect(try volume.read(file, count: 10).isEmpty)
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "")
        let other = try volume.create("b")
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("b").size == 0)
        again.settle()
        #expect(again.text("b") == "")
        _ = other
    }

    @Test func whenNothingMovesTheUserIsTold() throws {
        let volume = try Volume { $0.spareFilesMax = 0 }
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        limit(volume, to: 2)
        for name in ["a", "b"] { try volume.save(name, name) }
        let third = try volume.create("c")
        let write = begin(volume, third, "c")
        volume.world.advance(by: .seconds(90))
        #expect(throws: FileSystemError.tooManyFiles) { try #require(write.result).get() }
        #expect(volume.fileSystem.overview().spoolFailure == nil, "the disk is well")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(600))
        try volume.write(third, "c")
    }

    /// The directory of a data file cannot be opened, but the filesystem can be synced.
    @Test func aSyncThatFindsNoDescriptorSyncsEverything() throws {
        let volume = try Volume {
            $0.guarantee = .local
            $0.writebackDelay = .seconds(50)
        }
        let file = try volume.create("a")
        try volume.write(file, "hello")
        let calls = Atomic(0)
        volume.files.faults.set { call, _ in
            guard call == .syncAll else { return nil }
            return calls.add(1, ordering: .relaxed).oldValue == 0 ? .tooManyFiles : nil
        }
        try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        #expect(calls.load(ordering: .relaxed) == 2)
        #expect(volume.fileSystem.overview().spoolFailure == nil)
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.load("a") == "hello")
    }
}
