import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Requests that are made ready while others are under way.
@Suite struct OutboxTests {
    private func puts(_ volume: Volume) -> [String] {
        volume.store.requests.filter { $0.method == "PUT" }.map(\.key)
    }

    /// Files that are due while every PUT takes a second.
    private func busy(_ files: Int, uploads: Int) throws -> Volume {
        let volume = try Volume { $0.uploadsMax = uploads }
        volume.store.setFault { $0.method == "PUT" ? .slow(.seconds(1)) : nil }
        for index in 0..<files { try volume.save("\(index)", "\(index)") }
        volume.world.advance(by: .milliseconds(500))
        return volume
    }

    @Test(arguments: [1, 4, 16])
    func noMoreAreUnderWayThanUploads(uploads: Int) throws {
        let volume = try busy(60, uploads: uploads)
        #expect(puts(volume).count == uploads)
        #expect(volume.fileSystem.status().uploading == uploads)
        volume.world.advance(by: .seconds(1))
        #expect(puts(volume).count == 2 * uploads, "the next follow at once")
        volume.world.advance(by: .seconds(60))
        #expect(puts(volume).count == 60)
        #expect(volume.store.keys(Volume.bucket).count == 60)
        #expect(volume.fileSystem.status() == VolumeStatus())
        #expect(try volume.journal.load().flights.isEmpty)
        #expect(volume.store.violations.isEmpty)
    }

    @Test func oldestGoFirst() throws {
        let volume = try busy(40, uploads: 2)
        volume.world.advance(by: .seconds(30))
        #expect(puts(volume) == (0..<40).map { "\($0)" })
    }

    @Test func uploadsShareTheirCommits() throws {
        let volume = try busy(160, uploads: 16)
        let before = volume.journal.commits
        volume.world.advance(by: .seconds(15))
        #expect(volume.store.keys(Volume.bucket).count == 160)
        // Two for each batch of sixteen, one for what ended last; each second one of a barrier.
        #expect(volume.journal.commits - before < 60)
    }

    /// What waits for its turn can still be spared when the server turns out to refuse the mount.
    @Test func whatIsReadyGoesBackWhenTheMountIsRefused() throws {
        let volume = try Volume { $0.uploadsMax = 2 }
        volume.store.setFault { $0.method == "PUT" ? .refuse(.badCredentials) : nil }
        for index in 0..<8 { try volume.save("\(index)", "x") }
        volume.world.advance(by: .seconds(2))
        let refused = Set(puts(volume))
        #expect(!refused.isEmpty && refused.count <= 2)
        #expect(volume.fileSystem.status().uploading == 0)
        #expect(try volume.journal.load().flights.isEmpty)
        for index in 0..<8 { try volume.unlink("\(index)") }
        volume.store.setFault(nil)
        volume.fileSystem.resumeUploads()
        volume.world.advance(by: .seconds(120))
        #expect(Set(volume.store.requests.map(\.key)).isSubset(of: refused.union([""])))
        #expect(volume.fileSystem.status().pending == 0)
    }

    @Test func whatIsWrittenWhileItWaitsGoesAsItIs() throws {
        let volume = try busy(2, uploads: 1)
        let file = try volume.open("1", write: true)
        try volume.write(file, "changed")
        try volume.close(file)
        volume.world.advance(by: .seconds(5))
        #expect(volume.text("1") == "changed")
        #expect(puts(volume) == ["0", "1"], "its old content was never sent")
    }

    @Test func nothingIsSentTwiceAfterACrash() throws {
        let volume = try busy(12, uploads: 4)
        let sent = Set(puts(volume))
        volume.store.clearRequests()
        volume.store.setFault(nil)
        let next = try Volume(remounting: volume) { $0.uploadsMax = 4 }
        next.world.advance(by: .seconds(5))
        #expect(next.store.keys(Volume.bucket).count == 12)
        #expect(Set(puts(next)).count == puts(next).count)
        #expect(Set(puts(next)).isDisjoint(with: sent))
        for index in 0..<12 { #expect(next.text("\(index)") == "\(index)") }
        #expect(next.fileSystem.status() == VolumeStatus())
    }

    /// Other rows that were waiting for a commit go by themselves when nothing follows.
    @Test func whatEndedReachesTheJournalWhileAnotherRequestTakesLong() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" && $0.key == "slow" ? .slow(.seconds(60)) : nil }
        try volume.save("slow", "1")
        try volume.save("fast", "2")
        volume.world.advance(by: .seconds(1))
        #expect(volume.text("fast") == "2")
        #expect(try volume.journal.load().intents.map(\.address.key.text) == ["slow"])
        #expect(try volume.dataFiles().count == 1)
    }
}
