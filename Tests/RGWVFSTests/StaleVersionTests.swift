import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// What is known or kept here of a version that another client has replaced, removed or made again.
@Suite struct StaleVersionTests {
    private func uncached(_ adjust: (inout VolumeConfiguration) -> Void = { _ in }) throws -> Volume
    {
        try Volume {
            $0.fileAttributesMin = .zero
            $0.fileAttributesMax = .zero
            $0.directoryAttributesMin = .zero
            $0.directoryAttributesMax = .zero
            adjust(&$0)
        }
    }

    /// The other client. What was known before is older by then.
    private func plant(_ volume: Volume, _ key: ObjectKey, _ bytes: [UInt8]) {
        volume.store.plant(Volume.bucket, key, bytes)
        volume.world.tick(.milliseconds(1))
    }

    private func uproot(_ volume: Volume, _ key: ObjectKey) {
        volume.store.uproot(Volume.bucket, key)
        volume.world.tick(.milliseconds(1))
    }

    private func loseFirstAnswer(_ volume: Volume, _ method: String) {
        volume.store.setFirstFault(method, .loseAnswer)
    }

    // MARK: Reading

    @Test func aReaderOfAVersionThatIsGoneIsNotToldTheNewerSize() throws {
        let volume = try uncached()
        plant(volume, "a", Array(repeating: 1, count: 5000))
        let reader = try volume.open("a")
        _ = try volume.read(reader, at: 0, count: 100)
        plant(volume, "a", [2, 2])
        #expect(try volume.attributes("a").size == 2)
        // The kernel asks so between two reads; with another size it would end the file without an error.
        #expect(throws: FileSystemError.stale) {
            try volume.call { volume.fileSystem.getattr(reader.0, by: reader.1, $0) }
        }
        let next = try volume.open("a")
        let size = try volume.call { volume.fileSystem.getattr(next.0, by: next.1, $0) }
        #expect(size.attributes.size == 2)
        volume.release(reader)
        volume.release(next)
    }

    @Test func aFileThatIsOnlyReadHereShowsOthersVersions() throws {
        let volume = try uncached()
        try volume.save("a", "ours")
        let reader = try volume.open("a")
        volume.settle()
        #expect(volume.text("a") == "ours")
        plant(volume, "a", Array("theirs, longer".utf8))
        #expect(try volume.attributes("a").size == 14)
        // As the kernel: open is told ESTALE once, and asks again.
        let isStale = (try? volume.load("a")) == nil
        if isStale { _ = try volume.attributes("a") }
        #expect(try volume.load("a") == "theirs, longer")
        uproot(volume, "a")
        #expect(throws: FileSystemError.notFound) { try volume.attributes("a") }
        volume.release(reader)
        volume.settle()
        #expect(try volume.dataFiles().isEmpty)
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test func whoReadsWhatWasWrittenHereReadsItFromTheSpoolWhileItIsTheNewest() throws {
        let volume = try uncached()
        try volume.save("a", "ours")
        let reader = try volume.open("a")
        volume.settle()
        volume.store.clearRequests()
        #expect(try volume.load("a") == "ours")
        #expect(!volume.store.requests.contains { $0.method == "GET" })
        volume.release(reader)
    }

    // MARK: Names

    @Test func aSpoolCopyGoesWithItsName() throws {
        let volume = try uncached()
        let file = try volume.create("a")
        try volume.write(file, "ours")
        try volume.call { volume.fileSystem.flush(file.0, file.1, $0) }
        volume.settle()
        uproot(volume, "a")
        try volume.rename("a", "b")
        volume.release(file)
        volume.world.advance(by: .seconds(900))
        #expect(try volume.dataFiles().isEmpty)
        #expect(try volume.journal.load().nodes.isEmpty)
    }

    @Test func aDirectoryThatAnotherClientMakesAgainIsThere() throws {
        let volume = try uncached()
        plant(volume, "d/a", [1])
        #expect(try volume.load("d/a") == "\u{1}")
        uproot(volume, "d/a")
        #expect(throws: FileSystemError.notFound) { try volume.attributes("d/a") }
        plant(volume, "d/a", [2])
        #expect(try volume.load("d/a") == "\u{2}")
        #expect(try volume.names(in: "") == ["d"])
    }

    @Test func theOldNameOfAFileThatIsWrittenOnGoes() throws {
        let volume = try Volume()
        try volume.save(".a.new", "one")
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        while !volume.store.requests.contains(where: { $0.method == "PUT" }), volume.world.step() {}
        #expect(volume.store.keys(Volume.bucket).isEmpty, "the upload is under way")
        try volume.rename(".a.new", "a")
        let file = try volume.open("a", write: true)
        try volume.write(file, "two")
        volume.settle()
        try volume.close(file)
        volume.settle()
        #expect(volume.store.keys(Volume.bucket) == ["a"])
        #expect(volume.text("a") == "two")
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    // MARK: Requests of unknown outcome

    @Test func whatReplacedARenamedFileIsShownAndAppendedTo() throws {
        let volume = try uncached()
        try volume.save("t", "ours")
        volume.settle()
        loseFirstAnswer(volume, "COPY")
        try volume.rename("t", "a")
        volume.world.advance(by: .seconds(5))
        #expect(volume.store.keys(Volume.bucket) == ["a"])
        plant(volume, "a", Array("theirs, longer".utf8))
        _ = try volume.attributes("a")
        let isStale = (try? volume.load("a")) == nil
        if isStale { _ = try volume.attributes("a") }
        #expect(try volume.load("a") == "theirs, longer")
        let file = try volume.open("a", write: true)
        try volume.write(file, "!", at: 14, .append)
        try volume.close(file)
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == "theirs, longer!")
        #expect(volume.store.keys(Volume.bucket) == ["a"])
    }

    @Test func whatAnotherClientMakesWhereAFileWasRemovedIsShown() throws {
        let volume = try uncached()
        try volume.save("a", "ours")
        volume.settle()
        loseFirstAnswer(volume, "DELETE")
        try volume.unlink("a")
        volume.world.advance(by: .seconds(5))
        #expect(throws: FileSystemError.notFound) { try volume.attributes("a") }
        plant(volume, "a", Array("theirs".utf8))
        #expect(try volume.load("a") == "theirs")
        #expect(try volume.names(in: "") == ["a"])
        volume.world.advance(by: .seconds(300))
        #expect(volume.text("a") == "theirs")
        #expect(try volume.journal.load().intents.isEmpty)
    }

    @Test(arguments: [false, true])
    func aVersionThatReplacedAConfirmedOneIsShownAndIsNoConflict(dies: Bool) throws {
        var volume = try uncached()
        try volume.save("a", "first")
        volume.settle()
        loseFirstAnswer(volume, "DELETE")
        try volume.unlink("a")
        volume.world.advance(by: .milliseconds(400))
        try volume.save("a", "second")
        volume.world.advance(by: .seconds(10))
        #expect(volume.text("a") == "second")
        plant(volume, "a", Array("third, theirs".utf8))
        if dies {
            volume = try Volume(remounting: volume) { $0.fileAttributesMax = .zero }
            volume.world.advance(by: .seconds(70))
        }
        _ = try volume.attributes("a")
        let isStale = (try? volume.load("a")) == nil
        if isStale { _ = try volume.attributes("a") }
        #expect(try volume.load("a") == "third, theirs")
        volume.world.advance(by: .seconds(300))
        #expect(volume.store.keys(Volume.bucket) == ["a"])
        #expect(volume.text("a") == "third, theirs")
        #expect(try volume.dataFiles().isEmpty)
    }
}
