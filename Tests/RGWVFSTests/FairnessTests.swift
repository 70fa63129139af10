import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Whose file goes first: the one that a program waits for, without keeping all others back.
@Suite struct FairnessTests {
    private func puts(_ volume: Volume) -> [String] {
        volume.store.requests.filter { $0.method == "PUT" }.map(\.key)
    }

    /// Files that are due, and every PUT takes a second.
    private func busy(
        _ files: Int, _ configure: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws -> Volume {
        let volume = try Volume {
            $0.uploadsMax = 2
            configure(&$0)
        }
        volume.store.setFault { $0.method == "PUT" ? .slow(.seconds(1)) : nil }
        for index in 0..<files { try volume.save("\(index)", "\(index)") }
        volume.world.advance(by: .seconds(20))
        return volume
    }

    private func fsync(_ volume: Volume, _ file: (InodeNumber, HandleID)) -> Volume.Box<Void> {
        volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
    }

    private func written(_ volume: Volume, _ name: String) throws -> (InodeNumber, HandleID) {
        let file = try volume.create(name)
        try volume.write(file, "x")
        return file
    }

    @Test func fsyncDoesNotWaitForWhatNobodyWaitsFor() throws {
        let volume = try busy(400)
        let waiting = fsync(volume, try written(volume, "wanted"))
        volume.world.advance(by: .seconds(10))
        try #require(waiting.result).get()
        #expect(volume.text("wanted") == "x")
        #expect(volume.store.keys(Volume.bucket).count < 100, "most of the others still wait")
        volume.world.advance(by: .seconds(300))
        #expect(volume.store.keys(Volume.bucket).count == 401)
    }

    @Test func whatNobodyWaitsForGoesOnBesideOthersThatAreWaitedFor() throws {
        let volume = try busy(400)
        let before = puts(volume).count
        let waiting = try (0..<200).map { fsync(volume, try written(volume, "wanted-\($0)")) }
        volume.world.advance(by: .seconds(80))
        let sent = puts(volume).dropFirst(before)
        let wanted = sent.count { $0.hasPrefix("wanted") }
        let others = sent.count - wanted
        #expect(wanted > 100)
        #expect(others >= 30, "one in four")
        volume.world.advance(by: .seconds(400))
        #expect(waiting.allSatisfy { $0.result != nil })
    }

    @Test func whoWaitsIsNotOvertakenByWhoComesLater() throws {
        let volume = try busy(100)
        let names = (0..<40).map { "wanted-\($0)" }
        for name in names {
            _ = fsync(volume, try written(volume, name))
            volume.world.advance(by: .milliseconds(10))
        }
        volume.world.advance(by: .seconds(120))
        #expect(puts(volume).filter { $0.hasPrefix("wanted") } == names)
    }

    @Test func aChangeDuringFsyncDoesNotPutItOff() throws {
        let volume = try busy(40) {
            $0.writebackDelay = .seconds(3600)
            $0.writebackDelayMax = .seconds(3600)
        }
        #expect(puts(volume).isEmpty)
        let file = try written(volume, "wanted")
        // Two are under way, so that this one is still to go when it is changed.
        let first = fsync(volume, try written(volume, "first"))
        let second = fsync(volume, try written(volume, "second"))
        let waiting = fsync(volume, file)
        volume.world.advance(by: .milliseconds(100))
        try volume.write(file, "y")
        try volume.close(file)
        volume.world.advance(by: .seconds(10))
        #expect(first.result != nil && second.result != nil)
        try #require(waiting.result).get()
    }

    @Test func whatStandsInItsWayIsSentFirstToo() throws {
        let volume = try busy(400)
        // A copy waits for the file that it copies.
        try volume.rename("399", "moved")
        try volume.rename("398", "399")
        let file = try volume.open("399", write: true)
        let waiting = fsync(volume, file)
        volume.world.advance(by: .seconds(10))
        try #require(waiting.result).get()
    }
}
