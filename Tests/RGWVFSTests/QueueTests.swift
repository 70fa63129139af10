import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// What the commands are told about changes that wait, and what they can do about them.
@Suite struct QueueTests {
    @Test func changesAreListedWithTheOldestFirst() throws {
        let volume = try Volume()
        try volume.save("old", "12345")
        volume.world.advance(by: .milliseconds(100))
        try volume.save("d", "x")
        let queue = volume.fileSystem.queue(limit: 10)
        #expect(queue.map(\.path) == ["old", "d"])
        #expect(queue.map(\.bytes) == [5, 1])
        #expect(queue.map(\.state) == [.waiting, .waiting])
        #expect(queue.first?.age == .milliseconds(100))
        #expect(volume.fileSystem.queue(limit: 1).map(\.path) == ["old"])
        volume.settle()
        #expect(volume.fileSystem.queue(limit: 10) == [])
    }

    @Test func theOverviewCountsWhatTheQueueLists() throws {
        let volume = try Volume()
        #expect(volume.fileSystem.overview().isClean)
        try volume.save("a", "12345")
        try volume.save("b", "123")
        volume.world.advance(by: .milliseconds(200))
        let overview = volume.fileSystem.overview()
        #expect(overview.pending == 2)
        #expect(overview.pendingBytes == 8)
        #expect(overview.oldest == .milliseconds(200))
        #expect(overview.failures == [])
    }

    @Test func aFailureThatMayPassIsRetriedAndCounted() throws {
        let volume = try Volume()
        try volume.save("a", "1")
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        volume.world.advance(by: .milliseconds(400))
        let entry = try #require(volume.fileSystem.queue(limit: 1).first)
        #expect(entry.state == .retrying)
        #expect(entry.tries == 1)
        #expect(volume.fileSystem.overview().retrying == 1)
    }

    @Test func aFailureForGoodIsNamedWithItsReason() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        try volume.save("d/a", "1")
        volume.settle()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        try volume.save("d/a", "12")
        volume.world.advance(by: .seconds(1))
        let overview = volume.fileSystem.overview()
        #expect(overview.blocked == 1)
        #expect(overview.conflicts == 0)
        #expect(overview.failures.map(\.path) == ["d/a"])
        #expect(try #require(overview.failures.first?.error).contains("access is denied"))
    }

    @Test func retryTriesAtOnceWhatIsNamed() throws {
        let volume = try Volume()
        try volume.save("a", "1")
        try volume.save("b", "1")
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        volume.world.advance(by: .seconds(1))
        volume.store.setFault(nil)
        #expect(volume.fileSystem.retry(path: "a") == 1)
        volume.world.run()
        #expect(volume.fileSystem.queue(limit: 10).map(\.path) == ["b"])
        #expect(volume.fileSystem.retry(path: "nothing") == 0)
        #expect(volume.fileSystem.retry(path: nil) == 1)
        volume.world.run()
        #expect(volume.fileSystem.overview().isClean)
    }

    @Test func retryLeavesAnOpenFileAlone() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "half")
        #expect(volume.fileSystem.queue(limit: 1).map(\.state) == [.open])
        #expect(volume.fileSystem.retry(path: nil) == 0)
        volume.world.run()
        #expect(volume.store.requests.allSatisfy { $0.method != "PUT" })
    }

    @Test func syncCallsBackWhenTheBucketHasEverything() throws {
        let volume = try Volume()
        try volume.save("a", "1")
        let ended = Mutex<FileSystemError??>(nil)
        volume.fileSystem.sync { error in ended.withLock { $0 = .some(error) } }
        while ended.withLock({ $0 }) == nil, volume.world.step() {}
        #expect(ended.withLock { $0 } == .some(nil))
        #expect(volume.fileSystem.overview().isClean)
    }
}
