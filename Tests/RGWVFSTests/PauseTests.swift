import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Failures of the whole mount, and a full quota.
@Suite struct PauseTests {
    private func puts(_ volume: Volume) -> Int {
        volume.store.requests.count { $0.method == "PUT" }
    }

    private func fsync(_ volume: Volume, _ file: (InodeNumber, HandleID)) throws(FileSystemError) {
        try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
    }

    @Test(arguments: [ObjectStoreError.Kind.badCredentials, .clockSkew, .noSuchBucket])
    func refusedMountsSendOneProbeAMinute(kind: ObjectStoreError.Kind) throws {
        let volume = try Volume { $0.uploadsMax = 1 }
        volume.store.setFault { $0.method == "PUT" ? .refuse(kind) : nil }
        for index in 0..<50 { try volume.save("\(index)", "x") }
        volume.world.advance(by: .seconds(601))
        #expect((10...12).contains(puts(volume)), "\(puts(volume)) requests")
        #expect(volume.fileSystem.status().pending == 50)
        #expect(volume.fileSystem.status().failures.count == 1)
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(61))
        #expect(volume.store.keys(Volume.bucket).count == 50)
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test func newKeysAreTriedAtOnce() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.badCredentials) : nil }
        for index in 0..<20 { try volume.save("\(index)", "x") }
        volume.world.advance(by: .seconds(10))
        volume.store.setFault(nil)
        volume.fileSystem.resumeUploads()
        volume.world.run()
        #expect(volume.store.keys(Volume.bucket).count == 20)
    }

    @Test func whoWaitsIsToldAndNotForEver() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.badCredentials) : nil }
        let first = try volume.create("a")
        try volume.write(first, "1")
        #expect(throws: FileSystemError.accessDenied) { try fsync(volume, first) }
        let second = try volume.create("b")
        try volume.write(second, "2")
        #expect(throws: FileSystemError.accessDenied) { try fsync(volume, second) }
        #expect(try volume.load("b") == "2")
        volume.store.setFault(nil)
        try fsync(volume, second)
        #expect(volume.text("b") == "2")
        volume.world.advance(by: .seconds(1))
        #expect(volume.text("a") == "1")
    }

    @Test func aKeysOwnFailureEndsThePause() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.badCredentials) : nil }
        try volume.save("a", "1")
        try volume.save("b", "2")
        volume.world.advance(by: .seconds(2))
        volume.store.setFault {
            $0.method == "PUT" && $0.key == "a" ? .refuse(.accessDenied) : nil
        }
        volume.world.advance(by: .seconds(130))
        #expect(volume.text("b") == "2")
    }

    @Test func aFullQuotaRefusesUntilSomethingGoesThrough() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "old", [1])
        volume.store.setFault { $0.method == "PUT" ? .refuse(.quotaExceeded) : nil }
        try volume.save("a", "hello")
        volume.settle()
        volume.world.advance(by: .seconds(600))
        #expect(throws: FileSystemError.quotaExceeded, "the last try failed too") {
            try volume.create("b")
        }
        let file = try volume.open("a", write: true)
        #expect(throws: FileSystemError.quotaExceeded) { try volume.write(file, "x") }
        volume.store.setFault(nil)
        try volume.unlink("old")
        volume.settle()
        #expect(volume.text("a") == "hello", "the deletion had what was refused sent again")
        _ = try volume.create("b")
    }
}
