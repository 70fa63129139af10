import RGWBase
import RGWObject
import RGWTestKit
import Testing

@testable import RGWVFS

/// Settings that change while the volume is mounted.
@Suite struct ReconfigureTests {
    @Test func lessMemoryIsGivenBackAtOnce() throws {
        let volume = try Volume()
        try volume.save("a", String(repeating: "x", count: 3 << 20))
        volume.settle()
        _ = try volume.load("a")
        let before = volume.fileSystem.cachedBytes
        #expect(before > 1 << 20)
        var settings = volume.fileSystem.configuration
        settings.memoryBytes = 1 << 20
        volume.fileSystem.reconfigure(settings)
        #expect(volume.fileSystem.cachedBytes <= 512 << 10)
    }

    /// What cannot change at run time stays, whatever the new settings say.
    @Test func onlyWhatMayChangeIsTakenOver() throws {
        let volume = try Volume()
        var settings = volume.fileSystem.configuration
        settings.uploadsMax = 3
        settings.lookupCache = .none
        settings.readOnly = true
        settings.uid = 77
        volume.fileSystem.reconfigure(settings)
        let now = volume.fileSystem.withState { $0.configuration }
        #expect(now.uploadsMax == 3 && now.lookupCache == .none)
        #expect(!now.readOnly && now.uid != 77)
    }
}
