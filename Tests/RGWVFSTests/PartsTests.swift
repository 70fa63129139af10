import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// Files over the limit of one PUT: in parts, resumed after a crash, never torn, nothing left behind.
@Suite struct PartsTests {
    private static func adjust(_ configuration: inout VolumeConfiguration) {
        configuration.multipartThreshold = 20
        configuration.partBytes = 10
        configuration.partsAtOnce = 2
    }

    private static func volume() throws -> Volume {
        let volume = try Volume(Self.adjust)
        volume.store.setPartSizeMin(10)
        return volume
    }

    private static let text = (0..<55).map { "\($0 % 10)" }.joined()
    private static let other = (0..<55).map { "\(9 - $0 % 10)" }.joined()

    private static func requests(_ volume: Volume, _ method: String) -> [String] {
        volume.store.requests.filter { $0.method == method }.map(\.key)
    }

    @Test func aLargeFileGoesUpInParts() throws {
        let volume = try Self.volume()
        try volume.save("a", Self.text)
        volume.settle()
        #expect(volume.text("a") == Self.text)
        #expect(Self.requests(volume, "PUTPART").count == 6)
        #expect(Self.requests(volume, "PUT").isEmpty)
        #expect(volume.store.openUploads.isEmpty)
        #expect(volume.fileSystem.status() == VolumeStatus())
        #expect(try volume.journal.load().flights.isEmpty)
        #expect(try volume.load("a") == Self.text)
    }

    @Test(arguments: 0..<70)
    func anUploadGoesOnWhereverTheMountDies(steps: Int) throws {
        let volume = try Self.volume()
        try volume.save("a", Self.text)
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps { _ = volume.world.step() }
        let sent = Set(Self.requests(volume, "PUTPART"))
        let hasId = try volume.journal.load().flights.first?.upload != nil
        let wasStored = volume.text("a") != nil
        let again = try Volume(remounting: volume, Self.adjust)
        again.world.advance(by: .seconds(300))
        #expect(again.store.keys(Volume.bucket) == ["a"])
        #expect(again.text("a") == Self.text)
        #expect(again.store.openUploads.isEmpty)
        #expect(again.fileSystem.status() == VolumeStatus())
        #expect(try again.journal.load().flights.isEmpty)
        if hasId || wasStored {
            let all = Self.requests(again, "PUTPART")
            #expect(all.count == 6, "what the server has is not sent again: \(sent)")
            #expect(Self.requests(again, "CREATEUPLOAD").count == 1)
        }
    }

    @Test func theQueueTellsHowManyPartsTheServerHas() throws {
        let volume = try Self.volume()
        volume.store.setFault {
            $0.method == "PUTPART" && $0.key.hasSuffix("4") ? .slow(.seconds(60)) : nil
        }
        try volume.save("a", Self.text)
        volume.world.advance(by: .seconds(1))
        let sending = try #require(volume.fileSystem.queue(limit: 1).first?.sending)
        #expect(sending.parts == 6)
        #expect((1...5).contains(sending.partsDone ?? 0))
        #expect(volume.fileSystem.overview().sending.map(\.path) == ["a"])
    }

    @Test func aLostAnswerToCompletingIsFound() throws {
        let volume = try Self.volume()
        volume.store.setFault { $0.method == "COMPLETEUPLOAD" ? .loseAnswer : nil }
        try volume.save("a", Self.text)
        volume.world.advance(by: .milliseconds(500))
        volume.store.setFault(nil)
        volume.settle()
        #expect(volume.text("a") == Self.text)
        #expect(Self.requests(volume, "COMPLETEUPLOAD").count == 1)
        #expect(Self.requests(volume, "PUTPART").count == 6)
        #expect(volume.fileSystem.status().pending == 0)
        #expect(volume.store.openUploads.isEmpty)
    }

    @Test(arguments: 0..<60)
    func aFileWrittenToDuringItsUploadIsNeverTorn(steps: Int) throws {
        let volume = try Self.volume()
        try volume.save("a", Self.text)
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps { _ = volume.world.step() }
        let file = try volume.open("a", write: true)
        try volume.write(file, String(Self.other.prefix(15)))
        for _ in 0..<60 {
            _ = volume.world.step()
            if let stored = volume.text("a") { #expect(stored == Self.text) }
        }
        try volume.write(file, String(Self.other.dropFirst(15)), at: 15)
        try volume.close(file)
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == Self.other)
        #expect(volume.store.openUploads.isEmpty)
        #expect(volume.fileSystem.status().pending == 0)
        #expect(volume.store.keys(Volume.bucket) == ["a"])
    }

    @Test(arguments: 0..<50, [true, false])
    func theUploadOfARemovedOrRenamedFileLeavesNothing(steps: Int, isRenamed: Bool) throws {
        let volume = try Self.volume()
        try volume.save("a", Self.text)
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps { _ = volume.world.step() }
        if isRenamed { try volume.rename("a", "b") } else { try volume.unlink("a") }
        volume.world.advance(by: .seconds(300))
        #expect(volume.store.keys(Volume.bucket) == (isRenamed ? ["b"] : []))
        if isRenamed { #expect(volume.text("b") == Self.text) }
        #expect(volume.store.openUploads.isEmpty)
        #expect(volume.fileSystem.status() == VolumeStatus())
        #expect(try volume.journal.load().flights.isEmpty)
    }

    @Test func anUploadThatFailedGoesOnWithTheMissingParts() throws {
        let volume = try Self.volume()
        let isBroken = Mutex(true)
        volume.store.setFault { request in
            request.method == "PUTPART" && request.key.hasSuffix(" 4") && isBroken.withLock(\.self)
                ? .refuse(.busy) : nil
        }
        try volume.save("a", Self.text)
        volume.world.advance(by: .seconds(5))
        #expect(volume.text("a") == nil)
        isBroken.withLock { $0 = false }
        volume.world.advance(by: .seconds(100))
        #expect(volume.text("a") == Self.text)
        #expect(Self.requests(volume, "CREATEUPLOAD").count == 1)
        let parts = Self.requests(volume, "PUTPART")
        for number in [1, 2, 3, 5, 6] {
            #expect(parts.count { $0 == "a \(number)" } <= 1, "part \(number)")
        }
    }

    @Test func aModeChangedDuringTheUploadIsKept() throws {
        let volume = try Self.volume()
        try volume.save("a", Self.text)
        volume.store.setFault { $0.method == "COMPLETEUPLOAD" ? .refuse(.busy) : nil }
        volume.world.advance(by: .milliseconds(400))
        try volume.change("a") { $0.permissions = 0o600 }
        let again = try Volume(remounting: volume, Self.adjust)
        again.store.setFault(nil)
        again.world.advance(by: .seconds(100))
        #expect(again.text("a") == Self.text)
        let user = again.store.object(Volume.bucket, "a")?.head.metadata.user
        #expect(user?["mode"] == "33152")
        #expect(Self.requests(again, "CREATEUPLOAD").count == 1)
    }

    @Test func somebodyElsesVersionIsKeptBeside() throws {
        let volume = try Self.volume()
        volume.store.plant(Volume.bucket, "a", Array("base".utf8))
        try volume.save("a", Self.text)
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        volume.world.advance(by: .seconds(20))
        #expect(volume.text("a") == "theirs")
        let texts = volume.store.keys(Volume.bucket).compactMap { volume.text($0) }
        #expect(Set(texts) == ["theirs", Self.text])
        #expect(volume.store.openUploads.isEmpty)
    }

    /// More than a page of them, and the server is not always there to free them.
    @Test func uploadsWhoseBeginningWasNotAnsweredAreFreed() throws {
        let volume = try Self.volume()
        let key = ObjectAddress(bucket: Volume.bucket, key: "a")
        for _ in 0..<1100 {
            _ = volume.store.createUpload(key, metadata: ObjectMetadata()) { _ in }
        }
        volume.world.run()
        #expect(volume.store.openUploads.count == 1100)
        let isFirst = Mutex(true)
        volume.store.setFault { request in
            switch request.method {
            case "CREATEUPLOAD":
                isFirst.withLock { first in
                    defer { first = false }
                    return first ? .loseAnswer : nil
                }
            case "ABORTUPLOAD": .refuse(.busy)
            default: nil
            }
        }
        try volume.save("a", Self.text)
        volume.world.advance(by: .seconds(50))
        #expect(volume.text("a") == Self.text)
        #expect(volume.store.openUploads.count == 1101)
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(120))
        #expect(volume.store.openUploads.isEmpty)
    }
}
