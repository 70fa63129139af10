import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// `sync` and `dirsync`: changes of names and attributes are answered when the bucket has them.
@Suite struct StoredTests {
    /// The call, and which keys the bucket had the moment it was answered.
    private func keys(_ volume: Volume, _ change: () throws -> Void) rethrows -> [String] {
        try change()
        return volume.store.keys(Volume.bucket)
    }

    @Test(arguments: [true, false])
    func changesOfNamesAreInTheBucketWhenTheyAreAnswered(isSync: Bool) throws {
        let volume = try Volume {
            if isSync { $0.guarantee = .synchronous } else { $0.namesAreSynchronous = true }
        }
        #expect(try keys(volume) { try volume.mkdir("d") } == ["d/"])
        try volume.save("d/a", "text")
        volume.settle()
        #expect(try keys(volume) { try volume.rename("d/a", "d/b") } == ["d/", "d/b"])
        #expect(try keys(volume) { try volume.rename("d", "e") } == ["e/", "e/b"])
        #expect(try keys(volume) { try volume.unlink("e/b") } == ["e/"])
        #expect(try keys(volume) { try volume.rmdir("e") } == [])
        _ = try volume.call {
            volume.fileSystem.symlink(.root, "l", target: Array("x".utf8), Volume.caller, $0)
        }
        #expect(volume.store.keys(Volume.bucket) == ["l"])
        _ = try volume.call {
            volume.fileSystem.mknod(
                .root, "p", kind: .fifo, permissions: 0o644, rdev: 0, Volume.caller, $0)
        }
        #expect(volume.store.keys(Volume.bucket) == ["l", "p"])
        #expect(volume.fileSystem.overview().isClean)
    }

    @Test func attributesWaitWithSyncOnly() throws {
        for guarantee in [WriteGuarantee.synchronous, .remote] {
            let volume = try Volume {
                $0.guarantee = guarantee
                $0.namesAreSynchronous = true
            }
            try volume.save("a", "text")
            volume.settle()
            try volume.change("a") { $0.permissions = 0o600 }
            let mode = volume.store.object(Volume.bucket, "a")?.head.metadata.user["mode"]
            let isStored = mode == String(0o100600)
            #expect(isStored == (guarantee == .synchronous))
            let inode = try volume.inode("a")
            try volume.call {
                volume.fileSystem.setxattr(
                    inode, Array("user.x".utf8), value: [1], create: false, replace: false, $0)
            }
            let header = volume.store.object(Volume.bucket, "a")?.head.metadata.user["xattr"]
            #expect((header != nil) == (guarantee == .synchronous))
        }
    }

    @Test func whatTheServerRefusesIsTheCallsError() throws {
        let volume = try Volume { $0.guarantee = .synchronous }
        try volume.save("a", "text")
        volume.store.setFault {
            ["PUT", "COPY", "DELETE"].contains($0.method) ? .refuse(.accessDenied) : nil
        }
        #expect(throws: FileSystemError.accessDenied) { try volume.unlink("a") }
        #expect(throws: FileSystemError.accessDenied) { try volume.rename("a", "b") }
        #expect(throws: FileSystemError.accessDenied) {
            try volume.change("a") { $0.permissions = 0o600 }
        }
        #expect(throws: FileSystemError.accessDenied) { try volume.mkdir("d") }
        #expect(try volume.load("a") == "text")
    }

    /// A removed file that is open is deleted when it is closed: nobody can wait for that here.
    @Test func whatWaitsForACloseIsNotWaitedFor() throws {
        let volume = try Volume { $0.guarantee = .synchronous }
        try volume.save("a", "text")
        let file = try volume.open("a")
        try volume.unlink("a")
        #expect(volume.text("a") == "text")
        volume.release(file)
        volume.settle()
        #expect(volume.store.keys(Volume.bucket) == [])
        let open = try volume.create("b")
        try volume.write(open, "x")
        try volume.change("b") { $0.permissions = 0o600 }
        #expect(volume.store.keys(Volume.bucket) == [])
        try volume.close(open)
        #expect(volume.text("b") == "x")
    }
}

/// A key that may only read: whoever begins to write hears it, once a PUT was refused.
@Suite struct WriteRightsTests {
    @Test func afterARefusedUploadWritersHearItUntilOnePasses() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "old", Array("old".utf8))
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        try volume.save("first", "1")
        volume.settle()
        #expect(throws: FileSystemError.accessDenied) { _ = try volume.create("second") }
        #expect(throws: FileSystemError.accessDenied) { _ = try volume.open("old", write: true) }
        #expect(throws: FileSystemError.accessDenied) { try volume.mkdir("d") }
        #expect(try volume.load("old") == "old")
        #expect(volume.fileSystem.overview().writesRefusedFor != nil)
        volume.world.advance(by: .seconds(600))
        #expect(throws: FileSystemError.accessDenied, "tried once a minute") {
            _ = try volume.create("second")
        }
        #expect(volume.store.requests.count { $0.method == "PUT" } <= 14)
        #expect(try volume.load("first") == "1", "what was accepted stays in the spool")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(61))
        #expect(volume.text("first") == "1")
        try volume.save("second", "2")
        #expect(volume.fileSystem.overview().writesRefusedFor == nil)
    }

    @Test func oneDirectoryOrObjectThatIsRefusedDoesNotStopOthers() throws {
        let volume = try Volume()
        try volume.mkdir("mine")
        try volume.save("mine/a", "a")
        try volume.mkdir("theirs")
        volume.settle()
        volume.store.setFault {
            $0.method == "PUT" && ($0.key.hasPrefix("theirs/") || $0.key == "mine/locked")
                ? .refuse(.accessDenied) : nil
        }
        try volume.save("theirs/x", "x")
        try volume.save("mine/locked", "x")
        volume.settle()
        #expect(throws: FileSystemError.accessDenied) {
            _ = try volume.open("mine/locked", write: true)
        }
        try volume.save("mine/b", "b")
        volume.settle()
        #expect(volume.text("mine/b") == "b")
    }

    @Test func whenNothingIsLeftToBeTriedTheNextWriterFindsOut() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        try volume.save("first", "1")
        volume.settle()
        try volume.unlink("first")
        #expect(throws: FileSystemError.accessDenied) { _ = try volume.create("second") }
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(80))
        try volume.save("second", "2")
        volume.settle()
        #expect(volume.text("second") == "2")
    }
}
