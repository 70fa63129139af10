import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Files whose bytes the spool's disk did not take, and what becomes of them: I20.
@Suite struct BrokenFileTests {
    private typealias File = (InodeNumber, HandleID)

    private let patient: @Sendable (inout VolumeConfiguration) -> Void = {
        $0.guarantee = .local
        $0.writebackDelay = .seconds(50)
        $0.writebackDelayMax = .seconds(50)
    }

    private func fsync(_ volume: Volume, _ file: File) throws {
        try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
    }

    private func failSyncs(_ volume: Volume) {
        volume.files.faults.set { call, _ in
            call == .syncAll ? .failed(operation: "sync", errno: 5) : nil
        }
    }

    /// "a" says "hello", and nobody knows whether the disk has it; mounted again, with a server that takes
    /// nothing.
    private func broken() throws -> Volume {
        let volume = try Volume(patient)
        let file = try volume.create("a")
        try volume.write(file, "hello")
        failSyncs(volume)
        #expect(throws: FileSystemError.inputOutput) { try fsync(volume, file) }
        volume.files.faults.set(nil)
        // close says it too.
        #expect(throws: FileSystemError.inputOutput) { try volume.close(file) }
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        return try Volume(remounting: volume, patient)
    }

    /// A replacement that nobody confirmed.
    private func replace(_ volume: Volume) throws {
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "half")
        volume.world.advance(by: .seconds(5))
    }

    @Test func whatComesBackAfterAKillIsNoSaferThanBefore() throws {
        let volume = try broken()
        try replace(volume)
        let again = try Volume(remounting: volume, patient)
        #expect(try again.load("a") == "hello")
        let reader = try again.open("a")
        #expect(throws: FileSystemError.inputOutput) { try fsync(again, reader) }
    }

    @Test func aLaterSyncDoesNotMakeWhatIsReplacedSafe() throws {
        let volume = try broken()
        try replace(volume)
        let root = try volume.call { volume.fileSystem.opendir(.root, $0) }
        #expect(throws: FileSystemError.inputOutput, "what was closed is not on the disk") {
            try volume.call { volume.fileSystem.fsyncdir(.root, root.handle, $0) }
        }
        let again = try Volume(remounting: volume, afterPowerCut: true, patient)
        #expect(try again.names(in: "").isEmpty)
    }

    /// The disk had an older version of what is replaced.
    @Test func aReplacedVersionThatTheDiskRefusesStaysRefused() throws {
        let volume = try Volume(patient)
        let file = try volume.create("a")
        try volume.write(file, "one")
        try fsync(volume, file)
        try volume.write(file, "two!")
        try volume.close(file)
        let writer = try volume.open("a", write: true, truncate: true)
        try volume.write(writer, "half")
        failSyncs(volume)
        let root = try volume.call { volume.fileSystem.opendir(.root, $0) }
        #expect(throws: FileSystemError.inputOutput) {
            try volume.call { volume.fileSystem.fsyncdir(.root, root.handle, $0) }
        }
        volume.files.faults.set(nil)
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        let again = try Volume(remounting: volume, patient)
        #expect(try again.load("a") == "two!")
        let reader = try again.open("a")
        #expect(throws: FileSystemError.inputOutput) { try fsync(again, reader) }
    }

    @Test func whatIsInTheBucketIsSafeForEverybody() throws {
        let volume = try broken()
        let reader = try volume.open("a")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("a") == "hello")
        #expect(try volume.load("a") == "hello")
        let writer = try volume.open("a", write: true)
        try volume.write(writer, "!", at: 5)
        try fsync(volume, writer)
        try fsync(volume, reader)
        try volume.close(writer)
        let again = try Volume(remounting: volume, afterPowerCut: true, patient)
        #expect(try again.load("a") == "hello!", "what was written since is on the disk")
    }

    @Test func aLargeFileThatWasCompletedInVainIsNotSafe() throws {
        let volume = try Volume { [patient] in
            patient(&$0)
            $0.wholeBytesMax = 1000
            $0.commitInterval = .seconds(3600)
        }
        volume.store.plant(Volume.bucket, "big", [UInt8](repeating: 7, count: 100_000))
        let file = try volume.open("big", write: true)
        try volume.write(file, "hello", at: 50_000)
        try volume.close(file)
        failSyncs(volume)
        volume.world.advance(by: .seconds(60))
        volume.files.faults.set(nil)
        #expect(volume.store.object(Volume.bucket, "big")?.bytes.contains(0x68) == false)
        let reader = try volume.open("big")
        #expect(throws: FileSystemError.inputOutput) { try fsync(volume, reader) }
    }
}
