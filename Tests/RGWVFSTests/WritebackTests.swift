import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// What reaches the bucket, and at what price.
@Suite struct WritebackTests {
    private func changes(_ volume: Volume) -> [String] {
        volume.store.requests.filter { !["LIST", "HEAD", "GET"].contains($0.method) }.map(
            \.description)
    }

    @Test func aNewFileCostsOnePut() throws {
        let volume = try Volume()
        try volume.save("a.txt", "hello")
        #expect(volume.text("a.txt") == nil, "nothing goes up before the delay")
        volume.settle()
        #expect(volume.text("a.txt") == "hello")
        #expect(changes(volume) == ["PUT a.txt"])
        #expect(volume.fileSystem.status() == VolumeStatus())
        #expect(try volume.dataFiles().isEmpty)
    }

    @Test func anObjectCarriesModeOwnerAndTimes() throws {
        let volume = try Volume()
        try volume.save("a.txt", "hello")
        try volume.change("a.txt") {
            $0.permissions = 0o600
            $0.mtime = .at(WallTime(seconds: 1_700_000_000, nanoseconds: 5))
        }
        volume.settle()
        let key: ObjectKey = "a.txt"
        let user = try #require(volume.store.object(Volume.bucket, key)).head.metadata.user
        #expect(user["mode"] == "33152")
        #expect(user["uid"] == "1000")
        #expect(user["mtime"] == "1700000000.000000005")
        #expect(changes(volume) == ["PUT a.txt"], "the metadata travels with the content")
    }

    @Test func createAndDeleteWithinTheDelayCostNothing() throws {
        let volume = try Volume()
        try volume.save("a.txt", "hello")
        try volume.unlink("a.txt")
        volume.settle()
        #expect(changes(volume).isEmpty)
        #expect(try volume.dataFiles().isEmpty)
        #expect(try volume.journal.load().intents.isEmpty)
        #expect(try volume.journal.load().nodes.isEmpty)
    }

    @Test func saveByTemporaryAndRenameCostsOnePut() throws {
        let volume = try Volume()
        for round in 0..<100 {
            try volume.save("doc.tmp", "version \(round)")
            try volume.rename("doc.tmp", "doc")
        }
        volume.settle()
        #expect(changes(volume) == ["PUT doc"])
        #expect(volume.text("doc") == "version 99")
        #expect(try volume.load("doc") == "version 99")
    }

    @Test func overwritingAnObjectIsConditional() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("old".utf8))
        try volume.save("a", "new")
        volume.settle()
        #expect(volume.text("a") == "new")
        #expect(volume.store.violations.isEmpty)
    }

    @Test func aForeignChangeIsKeptBesideOurs() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("base".utf8))
        try volume.save("a", "ours")
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        volume.settle()
        volume.settle()
        #expect(volume.text("a") == "theirs")
        let others = volume.store.keys(Volume.bucket).filter { $0 != "a" }
        #expect(others.count == 1)
        let kept = try #require(others.first)
        #expect(kept.hasPrefix("a.conflict-host-"))
        #expect(volume.text(kept) == "ours")
        volume.world.advance(by: .seconds(100))
        #expect(try volume.load("a") == "theirs")
    }

    @Test func conflictHoldKeepsTheLocalVersionUnsent() throws {
        let volume = try Volume { $0.conflict = .hold }
        volume.store.plant(Volume.bucket, "a", Array("base".utf8))
        try volume.save("a", "ours")
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        volume.settle()
        #expect(volume.text("a") == "theirs")
        #expect(try volume.load("a") == "ours")
        #expect(volume.fileSystem.status().failures.count == 1)
    }

    @Test func aLostAnswerIsNotUploadedTwice() throws {
        let volume = try Volume()
        try volume.save("a", "hello")
        volume.store.setFault { $0.method == "PUT" ? .loseAnswer : nil }
        volume.world.advance(by: .milliseconds(500))
        volume.store.setFault(nil)
        volume.settle()
        #expect(changes(volume) == ["PUT a"])
        #expect(volume.fileSystem.status().pending == 0)
    }

    @Test func aRefusedRequestIsTriedAgainUntilItSucceeds() throws {
        let volume = try Volume()
        try volume.save("a", "hello")
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        volume.world.advance(by: .seconds(30))
        #expect(volume.fileSystem.status().pending == 1)
        #expect(try volume.load("a") == "hello")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(70))
        #expect(volume.text("a") == "hello")
    }

    @Test func aPermanentFailureKeepsTheDataAndIsReportedOnce() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        let file = try volume.create("a")
        try volume.write(file, "hello")
        #expect(throws: FileSystemError.accessDenied) {
            try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        }
        try volume.close(file)
        #expect(try volume.load("a") == "hello")
        #expect(volume.fileSystem.status().failures.map(\.error) == [.accessDenied])
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("a") == "hello")
        #expect(volume.fileSystem.status().failures.isEmpty)
    }

    @Test func aFullQuotaRefusesNewDataAtOnce() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.quotaExceeded) : nil }
        try volume.save("a", "hello")
        volume.settle()
        #expect(throws: FileSystemError.quotaExceeded) { try volume.create("b") }
        try volume.unlink("a")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(120))
        _ = try volume.create("b")
    }

    @Test func fsyncWaitsForTheBucket() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "hello")
        try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        #expect(volume.text("a") == "hello")
        try volume.write(file, " world", at: 5)
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "hello world")
    }

    @Test func anOpenUnflushedFileIsNotUploaded() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "half")
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("a") == nil)
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "half")
    }

    @Test func chmodOfACleanObjectIsOneCopyThatKeepsForeignHeaders() throws {
        let volume = try Volume()
        volume.store.plant(
            Volume.bucket, "a", Array("x".utf8),
            metadata: ObjectMetadata(
                contentType: "text/x-own", cacheControl: "no-cache", user: ["colour": "red"]))
        try volume.change("a") { $0.permissions = 0o600 }
        volume.settle()
        let key: ObjectKey = "a"
        let metadata = try #require(volume.store.object(Volume.bucket, key)).head.metadata
        #expect(metadata.contentType == "text/x-own")
        #expect(metadata.cacheControl == "no-cache")
        #expect(metadata.user["colour"] == "red")
        #expect(metadata.user["mode"] == "33152")
        #expect(changes(volume) == ["COPY a -> a"])
    }

    @Test func fsyncOfTheRootWaitsForEverything() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        for index in 0..<50 { try volume.save("d/\(index)", "\(index)") }
        let root = try volume.call { volume.fileSystem.opendir(.root, $0) }.handle
        try volume.call { volume.fileSystem.fsyncdir(.root, root, $0) }
        #expect(volume.store.keys(Volume.bucket).count == 51)
        #expect(volume.store.violations.isEmpty)
    }
}
