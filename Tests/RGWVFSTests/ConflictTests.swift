import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// conflict=hold: the bucket's version stays until the user has spoken.
@Suite struct ConflictTests {
    /// A volume with a file that somebody else changed while local changes waited.
    private func conflicted() throws -> Volume {
        let volume = try Volume { $0.conflict = .hold }
        try volume.save("a", "first")
        volume.settle()
        try volume.save("a", "mine")
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        volume.settle()
        #expect(volume.fileSystem.queue(limit: 1).map(\.state) == [.conflict])
        #expect(volume.fileSystem.overview().conflicts == 1)
        #expect(volume.text("a") == "theirs")
        #expect(try volume.load("a") == "mine")
        return volume
    }

    private func resolve(
        _ volume: Volume, _ path: String, _ resolution: ConflictResolution
    ) throws -> ConflictOutcome {
        let outcome = Mutex<ConflictOutcome?>(nil)
        volume.fileSystem.resolve(path: path, resolution) { done in
            outcome.withLock { $0 = done }
        }
        volume.settle()
        return try #require(outcome.withLock { $0 })
    }

    @Test func whatIsResolvedIsNoConflictWhileItGoesUp() throws {
        let volume = try conflicted()
        volume.store.setFault { $0.method == "PUT" ? .slow(.seconds(1)) : nil }
        volume.fileSystem.resolve(path: "a", .local) { _ in }
        volume.world.advance(by: .milliseconds(500))
        #expect(volume.fileSystem.overview().blocked == 0)
        #expect(volume.fileSystem.overview().pending == 1)
        volume.settle()
        #expect(volume.text("a") == "mine")
    }

    /// Each mount looks at it once more.
    @Test func aConflictIsOneWhileItIsLookedAt() throws {
        let volume = try conflicted()
        volume.store.setFault { _ in .slow(.seconds(10)) }
        let again = try Volume(remounting: volume) { $0.conflict = .hold }
        again.world.advance(by: .seconds(1))
        #expect(again.fileSystem.status().uploading == 1)
        #expect(again.fileSystem.queue(limit: 1).map(\.state) == [.conflict])
        let overview = again.fileSystem.overview()
        #expect(overview.conflicts == 1)
        #expect(overview.blocked == 1)
    }

    @Test func localReplacesTheOther() throws {
        let volume = try conflicted()
        #expect(try resolve(volume, "a", .local) == .sending)
        #expect(volume.text("a") == "mine")
        #expect(volume.fileSystem.overview().isClean)
    }

    @Test func remoteShowsTheOtherAndKeepsOursAside() throws {
        let volume = try conflicted()
        #expect(try resolve(volume, "a", .remote) == .setAside)
        #expect(try volume.load("a") == "theirs")
        #expect(volume.text("a") == "theirs")
        #expect(volume.files.lost.map(\.1) == ["lost a conflict: photos/a"])
        #expect(volume.fileSystem.overview().isClean)
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "theirs")
    }

    @Test func oursIsKeptAsideAlsoWhenTheMountDiesMeanwhile() throws {
        let volume = try conflicted()
        volume.files.faults.set { call, _ in
            call == .moveToLost ? .failed(operation: "killed", errno: 5) : nil
        }
        _ = try resolve(volume, "a", .remote)
        #expect(volume.files.lost.isEmpty)
        volume.files.faults.set(nil)
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "theirs")
        #expect(again.files.lost.map(\.1) == ["lost a conflict: photos/a"])
    }

    @Test func remoteOfADeletedObjectTakesTheNameAway() throws {
        let volume = try conflicted()
        volume.store.uproot(Volume.bucket, "a")
        #expect(try resolve(volume, "a", .remote) == .setAside)
        #expect(throws: FileSystemError.notFound) { try volume.load("a") }
    }

    @Test func remoteWaitsUntilNobodyHasTheFileOpen() throws {
        let volume = try conflicted()
        let file = try volume.open("a")
        #expect(try resolve(volume, "a", .remote) == .open)
        #expect(try volume.files.announcedLost() == [], "it is not lost")
        volume.release(file)
        #expect(try resolve(volume, "a", .remote) == .setAside)
    }

    @Test func bothKeepsTheOtherUnderTheName() throws {
        let volume = try conflicted()
        guard case .renamed(let name) = try resolve(volume, "a", .both) else {
            Issue.record("not renamed")
            return
        }
        #expect(name.hasPrefix("a.conflict-host-"))
        #expect(volume.text(name) == "mine")
        #expect(volume.text("a") == "theirs")
        #expect(try volume.load("a") == "theirs")
    }

    @Test(arguments: ConflictResolution.allCases)
    func onlyAConflictIsResolved(resolution: ConflictResolution) throws {
        let volume = try Volume()
        #expect(try resolve(volume, "a", resolution) == .nothingThere)
        let file = try volume.create("a")
        #expect(try resolve(volume, "a", resolution) == .noConflict)
        try volume.close(file)
    }
}
