import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// A file's number stays the same for the life of a mount, and no two files have the same one.
@Suite struct InodeNumberTests {
    private func volume(_ keys: String...) throws -> Volume {
        let volume = try Volume()
        for key in keys { try plant(volume, key) }
        return volume
    }

    private func plant(_ volume: Volume, _ key: String) throws {
        volume.store.plant(Volume.bucket, try ObjectKey(key), Array(key.utf8))
    }

    /// The numbers that stat and readdir show, of everything below the root.
    private func numbers(_ volume: Volume, _ path: String = "") throws -> [String: InodeNumber] {
        var found: [String: InodeNumber] = [:]
        for (name, number) in try entries(volume, path) {
            let child = path.isEmpty ? name : "\(path)/\(name)"
            let attributes = try volume.attributes(child)
            #expect(try volume.inode(child) == number, "\(child)")
            found[child] = number
            if attributes.kind == .directory {
                found.merge(try numbers(volume, child)) { $1 }
            }
        }
        return found
    }

    private func entries(
        _ volume: Volume, _ path: String
    ) throws -> [(String, InodeNumber)] {
        let inode = try volume.inode(path)
        let handle = try volume.call { volume.fileSystem.opendir(inode, $0) }.handle
        let entries = try volume.call {
            volume.fileSystem.readdir(
                inode, handle, offset: 0, budget: DirectoryBudget(bytes: 4096, fixedBytes: 24),
                plus: false, $0)
        }
        try volume.call { volume.fileSystem.releasedir(inode, handle, $0) }
        return entries.compactMap { entry in entry.name.map { ($0.text, entry.inode) } }
    }

    /// As a kernel that needs its memory for something else, after everything is in the bucket.
    private func forget(_ volume: Volume, _ numbers: [String: InodeNumber]) {
        volume.settle()
        for (_, number) in numbers.sorted(by: { $0.key > $1.key }) {
            volume.fileSystem.forget(number, count: .max)
        }
        volume.world.advance(by: .seconds(1000))
    }

    /// Files that are made, saved under another name, and moved.
    private func move(_ volume: Volume) throws {
        try volume.mkdir("made")
        try volume.save("made/f", "f")
        try volume.save("found/temporary", "t")
        try volume.rename("found/temporary", "found/saved")
        try volume.rename("found/moved", "made/moved")
        try volume.rename("tree", "made/tree")
    }

    @Test func aForgottenFileComesBackWithItsNumber() throws {
        let volume = try volume("found/a", "found/b/c", "found/moved", "tree/x/y")
        _ = try numbers(volume)
        try move(volume)
        let before = try numbers(volume)
        #expect(before.count == 11)
        #expect(Set(before.values).count == before.count)
        forget(volume, before)
        #expect(try numbers(volume) == before)
        forget(volume, before)
        #expect(try numbers(volume) == before)
    }

    /// What a program does that makes and replaces files.
    private func work(_ volume: Volume) throws {
        try move(volume)
        for number in 0..<20 { try volume.save("made/\(number)", "\(number)") }
        for number in 0..<5 { try volume.rename("made/\(number)", "made/\(number + 5)") }
        try volume.unlink("made/10")
    }

    @Test func theNextMountShowsTheSameNumbers() throws {
        var volume = try volume("found/a", "found/b/c", "found/moved", "tree/x/y")
        _ = try numbers(volume)
        try work(volume)
        let before = try numbers(volume)
        #expect(Set(before.values).count == before.count)
        for _ in 0..<2 {
            volume.settle()
            volume.world.advance(by: .seconds(300))
            volume = try Volume(remounting: volume)
            #expect(try numbers(volume) == before)
            forget(volume, before)
            #expect(try numbers(volume) == before)
        }
    }

    /// With the store lost, or with what a kill left of it, numbers may be others, but no two are the same.
    @Test(arguments: [0, 1, 300, 1_500, 5_000], [false, true])
    func noTwoFilesHaveOneNumber(milliseconds: Int, isLost: Bool) throws {
        var volume = try volume("found/a", "found/b/c", "found/moved", "tree/x/y")
        _ = try numbers(volume)
        try work(volume)
        volume.world.advance(by: .milliseconds(milliseconds))
        try volume.rename("found/a", "found/z")
        try volume.rename("made/12", "made/99")
        try plant(volume, "made/12x")
        volume.world.advance(by: .milliseconds(milliseconds))
        for round in 0..<3 {
            if isLost { volume.attributeStore.die() }
            volume = try Volume(remounting: volume)
            try volume.save("found/new\(round)", "new")
            volume.settle()
            // Others take names that were left.
            try plant(volume, "found/a")
            try plant(volume, "made/12")
            volume.world.advance(by: .seconds(300))
            let found = try numbers(volume)
            #expect(Set(found.values).count == found.count)
            forget(volume, found)
            let again = try numbers(volume)
            #expect(Set(again.values).count == again.count)
        }
    }

    @Test func theNextMountShowsTheNumbersOfWhatWasNotRenamed() throws {
        let volume = try volume("d/a", "d/b/c")
        let before = try numbers(volume)
        let again = try Volume(remounting: volume)
        #expect(try numbers(again) == before)
    }

    @Test func anUnsentFileKeepsItsNumberOverAKill() throws {
        let volume = try volume("d/a")
        let number = try volume.inode("d/a")
        let file = try volume.open("d/a", write: true)
        try volume.write(file, "x")
        try volume.close(file)
        try volume.save("d/b", "b")
        let before = try numbers(volume)
        let again = try Volume(remounting: volume)
        let after = try numbers(again)
        #expect(after["d/a"] == number)
        #expect(after["d/b"] == before["d/b"])
    }

    @Test func anotherFileOfTheOldNameHasANumberOfItsOwn() throws {
        let volume = try volume("d/a")
        let number = try volume.inode("d/a")
        try volume.rename("d/a", "d/b")
        volume.settle()
        try plant(volume, "d/a")
        volume.world.advance(by: .seconds(100))
        let before = try numbers(volume)
        #expect(before["d/b"] == number)
        #expect(before["d/a"] != number)
        forget(volume, before)
        // In whichever order they are found again.
        _ = try volume.inode("d/a")
        #expect(try numbers(volume) == before)
    }

    @Test func aFileThatIsHeldSharesItsNumberWithNobody() throws {
        let volume = try volume("d/a")
        let file = try volume.open("d/a")
        volume.store.uproot(Volume.bucket, "d/a")
        volume.world.advance(by: .seconds(100))
        #expect(throws: FileSystemError.notFound) { try volume.inode("d/a") }
        try plant(volume, "d/a")
        volume.world.advance(by: .seconds(100))
        #expect(try volume.inode("d/a") != file.0)
        volume.release(file)
    }

    @Test func aDirectoryIsNotTakenForTheFileOfItsName() throws {
        let volume = try volume("a")
        let number = try volume.inode("a")
        volume.store.uproot(Volume.bucket, "a")
        try plant(volume, "a/b")
        volume.world.advance(by: .seconds(100))
        #expect(try volume.inode("a") != number)
    }

    /// The stand-in for a directory that is only a parent must not get the number of a renamed one.
    @Test func aRenamedDirectoryAndANewOneOfItsNameSurviveAKill() throws {
        let volume = try volume("d/a")
        let number = try volume.inode("d")
        try volume.mkdir("z")
        try volume.rename("d", "z/e")
        volume.settle()
        try volume.change("z/e") { $0.permissions = 0o700 }
        try volume.mkdir("d")
        try volume.save("d/x", "x")
        volume.settle()
        try volume.change("z/e") { $0.permissions = 0o711 }
        try volume.save("d/y", "y")
        let again = try Volume(remounting: volume)
        #expect(try again.inode("z/e") == number)
        #expect(try again.load("d/y") == "y")
        let after = try numbers(again)
        #expect(Set(after.values).count == after.count)
        #expect(try again.load("z/e/a") == "d/a")
    }

    @Test func numbersMadeFromNamesAreNotCountedOn() throws {
        let volume = try volume("a")
        let file = try volume.open("a", write: true)
        try volume.write(file, "x")
        try volume.close(file)
        let again = try Volume(remounting: volume)
        try again.save("b", "b")
        #expect(try again.inode("a").isDerived)
        #expect(try !again.inode("b").isDerived)
    }
}
