import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Deletions: together where that is safe, and never of a version that nobody here has seen.
@Suite struct DeletionTests {
    private static func count(_ volume: Volume, _ method: String) -> Int {
        volume.store.requests.count { $0.method == method }
    }

    private static func tree(_ count: Int) throws -> Volume {
        let volume = try Volume()
        for index in 0..<count {
            volume.store.plant(Volume.bucket, try ObjectKey("d/\(10_000 + index)"), [1])
        }
        return volume
    }

    @Test func removingManyFilesTakesARequestForAThousand() throws {
        let volume = try Self.tree(2500)
        let names = try volume.names(in: "d")
        #expect(names.count == 2500)
        volume.store.clearRequests()
        for name in names { try volume.unlink("d/" + name) }
        try volume.rmdir("d")
        volume.settle()
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        #expect(volume.fileSystem.status().pending == 0)
        #expect(Self.count(volume, "DELETEMANY") == 3)
        #expect(Self.count(volume, "DELETE") <= 1, "the marker, if there was one")
        #expect(Self.count(volume, "HEAD") <= 6)
        #expect(Self.count(volume, "LIST") <= 12)
    }

    @Test func renamingATreeDeletesItsOldKeysTogether() throws {
        let volume = try Self.tree(300)
        try volume.rename("d", "e")
        volume.store.clearRequests()
        volume.world.advance(by: .seconds(10))
        #expect(Self.count(volume, "COPY") == 300)
        #expect(Self.count(volume, "DELETEMANY") <= 2)
        #expect(Self.count(volume, "DELETE") <= 2, "the last one, and the marker")
        #expect(
            Self.count(volume, "HEAD") == 300, "how each is kept is asked once, before its copy")
        #expect(volume.store.keys(Volume.bucket).allSatisfy { $0.hasPrefix("e/") })
        #expect(volume.fileSystem.status().pending == 0)
    }

    @Test func whatSomebodyElseWroteIsLeftOutOfABatch() throws {
        let volume = try Self.tree(20)
        let names = try volume.names(in: "d")
        for name in names { try volume.unlink("d/" + name) }
        volume.store.plant(Volume.bucket, "d/10007", Array("theirs".utf8))
        volume.store.uproot(Volume.bucket, "d/10009")
        volume.settle()
        #expect(volume.text("d/10007") == "theirs")
        #expect(volume.store.keys(Volume.bucket).filter { $0 != "d/" } == ["d/10007"])
        #expect(volume.fileSystem.status().pending == 0)
        #expect(try volume.names(in: "d") == ["10007"])
    }

    @Test(arguments: [true, false])
    func aNewerVersionIsNotDeletedUnknowingly(isAtomic: Bool) throws {
        let volume = try Volume()
        volume.store.setConditionalDeletes(isAtomic)
        volume.store.plant(Volume.bucket, "a", Array("seen".utf8))
        try volume.unlink("a")
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        volume.settle()
        #expect(volume.text("a") == "theirs")
        #expect(try volume.load("a") == "theirs")
    }

    @Test(arguments: [StrictObjectStore.Fault.loseAnswer, .loseRequest, .refuse(.busy)])
    func aLostBatchIsSentAgain(fault: StrictObjectStore.Fault) throws {
        let volume = try Self.tree(50)
        let names = try volume.names(in: "d")
        for name in names { try volume.unlink("d/" + name) }
        volume.store.setFirstFault("DELETEMANY", fault)
        volume.world.advance(by: .seconds(10))
        #expect(volume.store.keys(Volume.bucket).filter { $0 != "d/" }.isEmpty)
        #expect(volume.fileSystem.status().pending == 0)
        #expect(Self.count(volume, "HEAD") <= 6, "the listing tells, not a look at each")
    }

    @Test func whatABatchCouldNotDeleteAppearsAgain() throws {
        let volume = try Self.tree(10)
        volume.store.deny(["d/10003"])
        for name in try volume.names(in: "d") { try volume.unlink("d/" + name) }
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).filter { $0 != "d/" } == ["d/10003"])
        #expect(try volume.names(in: "d") == ["10003"])
        #expect(volume.fileSystem.status().pending == 0)
    }

    @Test func aServerWithoutDeleteObjectsGetsSingleRequests() throws {
        let volume = try Self.tree(10)
        volume.store.setFault { $0.method == "DELETEMANY" ? .refuse(.notImplemented) : nil }
        for name in try volume.names(in: "d") { try volume.unlink("d/" + name) }
        volume.world.advance(by: .seconds(20))
        #expect(volume.store.keys(Volume.bucket).filter { $0 != "d/" }.isEmpty)
        #expect(Self.count(volume, "DELETEMANY") == 1)
    }

    @Test func aLinkThatWasTakenForAFileIsFoundOutWhenItMatters() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        for index in 0..<8 { try volume.save("d/\(index)", "x") }
        try volume.symlink("d/l", "target")
        volume.settle()
        let again = try Volume(remounting: volume)
        _ = try again.names(in: "d")
        for index in 0..<6 { try again.unlink("d/\(index)") }
        #expect(try again.attributes("d/l").kind == .symlink)
        #expect(try again.readlink("d/l") == "target")
    }
}
