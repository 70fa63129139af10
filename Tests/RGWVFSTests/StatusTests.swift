import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// What the mount says of itself.
@Suite struct StatusTests {
    private func attribute(_ volume: Volume, _ path: String, _ name: String) throws -> String {
        let inode = try volume.inode(path)
        let bytes = try volume.call {
            volume.fileSystem.getxattr(inode, Array("user.rgwfs.\(name)".utf8), $0)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func theRootCountsWhatWaits() throws {
        let volume = try Volume { $0.spoolDirectory = "/spool" }
        try volume.save("a", "12345")
        #expect(try attribute(volume, "", "pending") == "1")
        #expect(try attribute(volume, "", "pending_bytes") == "5")
        #expect(try attribute(volume, "", "spool") == "/spool")
        volume.store.setFault { $0.method == "PUT" ? .loseRequest : nil }
        volume.world.advance(by: .seconds(7))
        #expect(try attribute(volume, "", "oldest") == "7")
        #expect(try #require(Int(try attribute(volume, "a", "tries"))) > 0)
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(100))
        #expect(try attribute(volume, "", "oldest") == "0")
        #expect(try attribute(volume, "", "pending") == "0")
    }

    @Test func aFileTellsItsState() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        #expect(try attribute(volume, "a", "state") == "dirty")
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        volume.settle()
        #expect(try attribute(volume, "a", "state") == "blocked")
        #expect(try attribute(volume, "a", "error").contains("access is denied"))
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(100))
        #expect(try attribute(volume, "a", "state") == "clean")
        #expect(throws: FileSystemError.noAttribute) { try attribute(volume, "a", "error") }
    }

    @Test func aConflictThatIsHeldIsCalledSo() throws {
        let volume = try Volume { $0.conflict = .hold }
        try volume.save("a", "1")
        volume.settle()
        volume.store.plant(Volume.bucket, "a", [7])
        try volume.save("a", "2")
        volume.settle()
        #expect(try attribute(volume, "a", "state") == "conflict")
    }

    @Test func theMountsAttributesAreNotListed() throws {
        let volume = try Volume()
        try volume.save("a", "1")
        let inode = try volume.inode("a")
        let names = try volume.call {
            volume.fileSystem.listxattr(inode, Caller(uid: 0, gid: 0, umask: 0), $0)
        }
        #expect(names == [])
    }

    @Test func aHangingServerDoesNotBlockTheRoot() throws {
        let volume = try Volume()
        _ = try volume.attributes("")
        volume.world.advance(by: .seconds(1000))
        // Nothing runs, so no request is answered; the reply must come inline.
        let box = volume.begin { volume.fileSystem.getattr(.root, $0) }
        #expect(box.result != nil)
    }
}

/// attrs=list: what LIST says is enough.
@Suite struct ListAttributesTests {
    @Test func aTreeIsWalkedWithoutASingleHead() throws {
        let volume = try Volume { $0.attributeSource = .list }
        for index in 0..<40 {
            let key = try ObjectKey("d\(index % 4)/file-\(index)")
            volume.store.plant(Volume.bucket, key, [1])
        }
        #expect(try volume.attributes("").kind == .directory)
        #expect(try volume.names(in: "") == ["d0", "d1", "d2", "d3"])
        for name in ["d0", "d1", "d2", "d3"] {
            #expect(try volume.attributes(name).kind == .directory)
            #expect(try volume.names(in: name).count == 10)
        }
        #expect(try volume.attributes("d1/file-1").size == 1)
        #expect(volume.store.requests.allSatisfy { $0.method == "LIST" })
        #expect(volume.store.requests.count <= 6)
    }

    @Test func expiredAttributesAreLookedAtAgainAndAnswered() throws {
        let volume = try Volume { $0.attributeSource = .list }
        volume.store.plant(Volume.bucket, "d/file", [1])
        #expect(try volume.attributes("d/file").size == 1)
        volume.world.advance(by: .seconds(500))
        volume.store.plant(Volume.bucket, "d/file", [1, 2])
        #expect(try volume.attributes("d/file").size == 2)
        try volume.change("d/file") { $0.permissions = 0o600 }
        #expect(try volume.names(in: "d") == ["file"])
    }
}
