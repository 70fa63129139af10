import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Names: directories with and without markers, listings, renames, removals.
@Suite struct NamespaceTests {
    private func plant(_ volume: Volume, _ keys: String...) throws {
        for key in keys {
            volume.store.plant(
                Volume.bucket, try ObjectKey(key), key.hasSuffix("/") ? [] : Array(key.utf8))
        }
    }

    @Test func aMissingNameIsAbsentOnlyAfterADefiniteAnswer() throws {
        let volume = try Volume()
        #expect(throws: FileSystemError.notFound) { try volume.inode("nothing") }
        volume.store.setFault { _ in .refuse(.busy) }
        volume.world.advance(by: .seconds(100))
        #expect(throws: FileSystemError.inputOutput) { try volume.inode("nothing") }
    }

    @Test func prefixesAreDirectories() throws {
        let volume = try Volume()
        try plant(volume, "a/b/c", "a/d", "m/")
        #expect(try volume.names(in: "") == ["a", "m"])
        #expect(try volume.names(in: "a") == ["b", "d"])
        #expect(try volume.attributes("a/b").kind == .directory)
        #expect(try volume.load("a/b/c") == "a/b/c")
        #expect(try volume.names(in: "m").isEmpty)
    }

    @Test func aDirectoryHidesAnObjectOfTheSameName() throws {
        let volume = try Volume()
        try plant(volume, "a", "a/b")
        #expect(try volume.names(in: "") == ["a"])
        #expect(try volume.attributes("a").kind == .directory)
    }

    @Test func keysThatAreNoPathsAreHidden() throws {
        let volume = try Volume()
        try plant(volume, "a//b", "x/../y", "x/ok", "/lead")
        #expect(try volume.names(in: "") == ["a", "x"])
        #expect(try volume.names(in: "a").isEmpty)
        #expect(try volume.names(in: "x") == ["ok"])
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("a") }
    }

    @Test func aKeyOf1024BytesIsAFileAndNoDirectory() throws {
        let volume = try Volume()
        let parts = (0..<5).map { _ in String(repeating: "p", count: 199) }
        let above = parts.joined(separator: "/")
        for depth in 1...5 { try volume.mkdir(parts.prefix(depth).joined(separator: "/")) }
        let file = "\(above)/" + String(repeating: "f", count: 24)
        #expect(file.utf8.count == 1024)
        let other = "\(above)/" + String(repeating: "g", count: 24)
        try volume.save(file, "one")
        #expect(throws: FileSystemError.nameTooLong) { try volume.mkdir(other) }
        #expect(throws: FileSystemError.nameTooLong) { try volume.save(file + "f", "") }
        try volume.mkdir("d")
        #expect(throws: FileSystemError.nameTooLong) { try volume.rename("d", other) }
        volume.settle()
        try volume.rename(file, other)
        volume.settle()
        #expect(volume.text(other) == "one")
        // The longest directory: nothing fits into it.
        let longest = String(other.dropLast())
        try volume.mkdir(longest)
        #expect(throws: FileSystemError.nameTooLong) { try volume.save("\(longest)/x", "") }
        volume.settle()
        #expect(volume.text("\(longest)/") == "")
        let again = try Volume(remounting: volume)
        #expect(try again.load(other) == "one")
        try again.unlink(other)
        try again.rmdir(longest)
        #expect(try again.names(in: above).isEmpty)
        #expect(again.store.violations.isEmpty)
    }

    @Test func canonicallyEqualNamesAreDifferentFiles() throws {
        let volume = try Volume()
        try volume.save("\u{e9}", "composed")
        try volume.save("e\u{301}", "decomposed")
        volume.settle()
        #expect(try volume.load("\u{e9}") == "composed")
        #expect(try volume.load("e\u{301}") == "decomposed")
        #expect(volume.store.keys(Volume.bucket).count == 2)
    }

    @Test func makingAndRemovingADirectoryWithinTheDelayCostsNothing() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        try volume.rmdir("d")
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        #expect(volume.store.requests.allSatisfy { $0.method == "LIST" || $0.method == "HEAD" })
    }

    @Test func aDirectoryThatIsNotEmptyStays() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        try volume.save("d/f", "x")
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("d") }
        volume.settle()
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("d") }
        try volume.unlink("d/f")
        try volume.rmdir("d")
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        #expect(throws: FileSystemError.notFound) { try volume.inode("d") }
    }

    @Test func removingTheLastFileKeepsAnImplicitDirectory() throws {
        let volume = try Volume()
        try plant(volume, "d/only")
        try volume.unlink("d/only")
        volume.settle()
        #expect(volume.store.keys(Volume.bucket) == ["d/"])
        #expect(try volume.names(in: "d").isEmpty)
    }

    @Test func aRemovedTreeIsGoneAtOnceAndStaysGone() throws {
        let volume = try Volume()
        try plant(volume, "d/", "d/a", "d/b")
        #expect(try volume.names(in: "d") == ["a", "b"])
        try volume.unlink("d/a")
        try volume.unlink("d/b")
        try volume.rmdir("d")
        #expect(try volume.names(in: "").isEmpty)
        #expect(throws: FileSystemError.notFound) { try volume.inode("d") }
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        let deletes = volume.store.requests.filter { $0.method == "DELETE" }.map(\.key)
        #expect(deletes.last == "d/", "the marker goes last")
    }

    @Test func listingsShowUnsentFilesAndHideDeletedOnes() throws {
        let volume = try Volume()
        try plant(volume, "a", "b")
        #expect(try volume.names(in: "") == ["a", "b"])
        volume.store.setFault { ["PUT", "DELETE"].contains($0.method) ? .refuse(.busy) : nil }
        try volume.unlink("a")
        try volume.save("c", "new")
        volume.world.advance(by: .seconds(100))
        #expect(try volume.names(in: "") == ["b", "c"])
        #expect(throws: FileSystemError.notFound) { try volume.inode("a") }
    }

    @Test func foreignChangesAreSeenAfterTheCacheTime() throws {
        let volume = try Volume()
        try plant(volume, "a", "b")
        #expect(try volume.names(in: "") == ["a", "b"])
        try plant(volume, "c")
        volume.store.uproot(Volume.bucket, "a")
        volume.store.plant(Volume.bucket, "b", Array("changed".utf8))
        volume.world.advance(by: .seconds(100))
        #expect(try volume.names(in: "") == ["b", "c"])
        #expect(try volume.load("b") == "changed")
    }

    @Test func renamingACleanFileCopiesThenDeletes() throws {
        let volume = try Volume()
        try plant(volume, "old")
        try volume.rename("old", "new")
        #expect(try volume.names(in: "") == ["new"])
        volume.settle()
        #expect(volume.store.keys(Volume.bucket) == ["new"])
        #expect(try volume.load("new") == "old")
        let changes = volume.store.requests.filter {
            ["COPY", "DELETE", "PUT"].contains($0.method)
        }
        #expect(changes.map(\.description) == ["COPY old -> new", "DELETE old"])
    }

    @Test func renameReplacesAFileButNotAFullDirectory() throws {
        let volume = try Volume()
        try plant(volume, "a", "b", "full/x", "dir/")
        try volume.rename("a", "b")
        #expect(try volume.load("b") == "a")
        #expect(throws: FileSystemError.isDirectory) { try volume.rename("b", "full") }
        #expect(throws: FileSystemError.notEmpty) { try volume.rename("dir", "full") }
        #expect(throws: FileSystemError.exists) {
            try volume.rename("full", "dir", .noReplace)
        }
        try volume.rename("full", "dir")
        volume.settle()
        #expect(volume.store.keys(Volume.bucket) == ["b", "dir/", "dir/x"])
        #expect(volume.store.violations.isEmpty)
    }

    @Test func renamingATreeOfUnsentFilesCopiesNothing() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        for index in 0..<20 { try volume.save("d/\(index)", "\(index)") }
        try volume.rename("d", "e")
        volume.settle()
        #expect(volume.store.requests.allSatisfy { $0.method != "COPY" })
        #expect(volume.store.keys(Volume.bucket).count == 21)
        #expect(volume.store.keys(Volume.bucket).allSatisfy { $0.hasPrefix("e/") })
        #expect(try volume.load("e/7") == "7")
    }

    @Test func renamingATreeKeepsEveryFileUnderOneNameAtLeast() throws {
        let volume = try Volume()
        try plant(volume, "d/", "d/a", "d/s/b", "d/s/c")
        try volume.save("d/new", "unsent")
        try volume.unlink("d/s/c")
        try volume.rename("d", "e")
        #expect(try volume.names(in: "") == ["e"])
        #expect(try volume.names(in: "e") == ["a", "new", "s"])
        volume.settle()
        #expect(volume.store.keys(Volume.bucket) == ["e/", "e/a", "e/new", "e/s/b"])
        #expect(try volume.load("e/s/b") == "d/s/b")
        #expect(try volume.load("e/new") == "unsent")
        #expect(volume.store.violations.isEmpty)
    }

    @Test func swappingTwoUnsentFilesConverges() throws {
        let volume = try Volume()
        try plant(volume, "a", "b")
        try volume.save("a", "A")
        try volume.save("b", "B")
        try volume.rename("a", "t")
        try volume.rename("b", "a")
        try volume.rename("t", "b")
        volume.settle()
        #expect(volume.text("a") == "B")
        #expect(volume.text("b") == "A")
        #expect(volume.store.keys(Volume.bucket) == ["a", "b"])
    }

    @Test func symbolicLinksKeepTheirTargets() throws {
        let volume = try Volume()
        let made = try volume.call {
            volume.fileSystem.symlink(
                .root, "l", target: Array("some/where".utf8), Volume.caller, $0)
        }
        volume.settle()
        #expect(made.attributes.kind == .symlink)
        #expect(volume.text("l") == "some/where")
        let again = try Volume(remounting: volume)
        let inode = try again.inode("l")
        #expect(try again.attributes("l").kind == .symlink)
        let target = try again.call { again.fileSystem.readlink(inode, $0) }
        #expect(String(decoding: target, as: UTF8.self) == "some/where")
    }

    @Test func anUnlinkedOpenFileStaysReadableAndWritable() throws {
        let volume = try Volume()
        try plant(volume, "a")
        let clean = try volume.open("a")
        try volume.unlink("a")
        volume.settle()
        #expect(String(decoding: try volume.read(clean), as: UTF8.self) == "a")
        volume.release(clean)
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)

        let fresh = try volume.create("t")
        try volume.unlink("t")
        try volume.write(fresh, "scratch")
        #expect(String(decoding: try volume.read(fresh), as: UTF8.self) == "scratch")
        try volume.close(fresh)
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)
    }

    @Test func aLongNameIsRefusedBeforeAnythingIsMade() throws {
        let volume = try Volume()
        let name = String(repeating: "n", count: 250)
        var path = name
        for _ in 0..<3 {
            try volume.mkdir(path)
            path += "/" + name
        }
        try volume.mkdir(path)
        #expect(throws: FileSystemError.nameTooLong) { try volume.save(path + "/" + name, "x") }
    }
}
