import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Another client removes, replaces and changes what this mount, and the kernel above it, still believe.
@Suite struct OtherWritersTests {
    private func known(
        _ text: String = "old", _ source: AttributeSource = .posix
    ) throws -> (Volume, InodeNumber) {
        let volume = try Volume { $0.attributeSource = source }
        volume.store.plant(Volume.bucket, "d/a", Array(text.utf8))
        return (volume, try volume.inode("d/a"))
    }

    /// The mount finds out by a listing; the kernel has not asked.
    private func relist(_ volume: Volume) throws {
        volume.world.advance(by: .seconds(31))
        _ = try volume.names(in: "d")
        _ = try volume.names(in: "")
    }

    private func error<Value: Sendable>(
        _ volume: Volume, _ operation: (consuming Reply<Value>) -> Void
    ) -> FileSystemError? {
        do throws(FileSystemError) {
            _ = try volume.call(operation)
            return nil
        } catch { return error }
    }

    // MARK: Removed

    @Test func whatLostItsNameElsewhereIsStaleForEveryOperation() throws {
        let (volume, inode) = try known()
        volume.store.plant(Volume.bucket, "d/b", [])
        volume.store.uproot(Volume.bucket, "d/a")
        try relist(volume)
        let files = volume.fileSystem
        let writing = OpenFlags(read: true, write: true)
        #expect(
            error(volume) { files.open(inode, OpenFlags(read: true, write: false), $0) } == .stale)
        #expect(error(volume) { files.open(inode, writing, $0) } == .stale)
        let emptying = OpenFlags(read: false, write: true, truncate: true)
        #expect(error(volume) { files.open(inode, emptying, $0) } == .stale)
        #expect(error(volume) { files.getattr(inode, $0) } == .stale)
        #expect(error(volume) { files.readlink(inode, $0) } == .stale)
        var changes = AttributeChanges()
        changes.permissions = 0o600
        #expect(error(volume) { files.setattr(inode, changes, Volume.caller, $0) } == .stale)
        changes = AttributeChanges()
        changes.size = 0
        #expect(error(volume) { files.setattr(inode, changes, Volume.caller, $0) } == .stale)
        let name = Array("user.a".utf8)
        #expect(error(volume) { files.getxattr(inode, name, $0) } == .stale)
        #expect(error(volume) { files.listxattr(inode, Volume.caller, $0) } == .stale)
        #expect(
            error(volume) {
                files.setxattr(inode, name, value: [1], create: false, replace: false, $0)
            } == .stale)
        #expect(error(volume) { files.removexattr(inode, name, $0) } == .stale)
        #expect(volume.fileSystem.status() == VolumeStatus())
    }

    @Test func whatIsBelowADirectoryThatIsGoneIsStale() throws {
        let (volume, inode) = try known()
        let directory = try volume.inode("d")
        let open = try volume.open("d/a", write: true)
        volume.store.uproot(Volume.bucket, "d/a")
        volume.world.advance(by: .seconds(31))
        _ = try volume.names(in: "")
        let files = volume.fileSystem
        #expect(
            error(volume) { files.open(inode, OpenFlags(read: true, write: true), $0) } == .stale)
        #expect(error(volume) { files.lookup(directory, "a", $0) } == .stale)
        #expect(error(volume) { files.opendir(directory, $0) } == .stale)
        #expect(
            error(volume) { files.mkdir(directory, "new", permissions: 0o755, Volume.caller, $0) }
                == .stale)
        // Who has it open is told as well.
        #expect(throws: FileSystemError.stale) { try volume.write(open, "lost?") }
        volume.release(open)
    }

    @Test func whatWasRemovedHereStaysUsable() throws {
        let (volume, _) = try known()
        let open = try volume.open("d/a", write: true)
        try volume.unlink("d/a")
        try volume.write(open, "more", at: 3)
        #expect(String(decoding: try volume.read(open), as: UTF8.self) == "oldmore")
        try volume.close(open)
    }

    @Test func theKernelIsToldOfANameThatIsGone() throws {
        let (volume, _) = try known()
        let directory = try volume.inode("d")
        volume.store.plant(Volume.bucket, "d/b", [])
        volume.store.uproot(Volume.bucket, "d/a")
        _ = volume.notices.takeAll()
        try relist(volume)
        #expect(volume.notices.takeAll().contains(.entry(directory, "a")))
    }

    // MARK: Replaced

    @Test func anOpenIsStaleOnceWhenTheKernelKnowsAnOlderVersion() throws {
        let (volume, inode) = try known()
        volume.store.plant(Volume.bucket, "d/a", Array("much longer".utf8))
        try relist(volume)
        let files = volume.fileSystem
        let reading = OpenFlags(read: true, write: false)
        #expect(error(volume) { files.open(inode, reading, $0) } == .stale)
        let directory = try volume.inode("d")
        #expect(try volume.call { files.lookup(directory, "a", $0) }.attributes.size == 11)
        let open = try volume.call { files.open(inode, reading, $0) }
        #expect(!open.keepCache)
        #expect(try volume.load("d/a") == "much longer")
    }

    @Test func anOpenThatEmptiesTheFileNeedsNoSize() throws {
        let (volume, inode) = try known()
        volume.store.plant(Volume.bucket, "d/a", Array("much longer".utf8))
        try relist(volume)
        let flags = OpenFlags(read: false, write: true, truncate: true)
        #expect(error(volume) { volume.fileSystem.open(inode, flags, $0) } == nil)
    }

    @Test(arguments: ["a longer version", "short", "sames"]) func aReadIsOfOneVersion(
        new: String
    ) throws {
        let (volume, _) = try known("first")
        let open = try volume.open("d/a")
        volume.store.plant(Volume.bucket, "d/a", Array(new.utf8))
        if new.utf8.count == 5 {
            #expect(String(decoding: try volume.read(open), as: UTF8.self) == new)
        } else {
            #expect(throws: FileSystemError.stale) { try volume.read(open) }
        }
        volume.release(open)
        #expect(try volume.load("d/a") == new)
    }

    @Test func aFileWrittenHereAndReplacedAtOnceReadsWithoutAnError() throws {
        let volume = try Volume()
        try volume.save("a", "mine!")
        volume.settle()
        volume.store.plant(Volume.bucket, "a", Array("other".utf8))
        #expect(try volume.load("a") == "other")
    }

    // MARK: Another size under the same ETag

    private static let sources: [AttributeSource] = [.posix, .list]

    @Test(arguments: sources, ["", "a longer version"]) func aSizeIsPartOfAVersion(
        source: AttributeSource, new: String
    ) throws {
        let (volume, _) = try known("first", source)
        let open = try volume.open("d/a")
        volume.store.misreport(Volume.bucket, "d/a", Array(new.utf8))
        try relist(volume)
        _ = try? volume.attributes("d/a")
        // Told to have five bytes, and none of them read.
        #expect(throws: FileSystemError.stale) { try volume.read(open) }
        volume.release(open)
        #expect(try volume.load("d/a") == new)
    }

    @Test(arguments: sources) func whatWasReadUnderTheOtherSizeIsNotReadAgain(
        source: AttributeSource
    ) throws {
        let (volume, _) = try known("first", source)
        #expect(try volume.load("d/a") == "first")
        volume.store.misreport(Volume.bucket, "d/a", Array("other and longer".utf8))
        try relist(volume)
        #expect(try volume.load("d/a") == "other and longer")
    }

    @Test(arguments: sources) func anAppendToTheOtherSizeIsRefused(source: AttributeSource) throws {
        let (volume, _) = try known("first", source)
        let open = try volume.open("d/a", write: true)
        volume.store.misreport(Volume.bucket, "d/a", Array("longer than first".utf8))
        // The body contradicts what HEAD said.
        #expect(throws: FileSystemError.inputOutput) {
            try volume.write(open, "+one", at: 5, .append)
        }
        volume.release(open)
        volume.settle()
        #expect(volume.text("d/a") == "longer than first")
    }

    @Test func aSizeOfBytesThatAreHereIsTheirs() throws {
        let volume = try Volume { $0.fileAttributesMin = .zero }
        let open = try volume.create("a")
        try volume.write(open, "mine", at: 0)
        volume.settle()
        volume.store.misreport(Volume.bucket, "a", Array("something longer".utf8))
        volume.world.advance(by: .seconds(1))
        #expect(try volume.attributes("a").size == 4)
        #expect(try String(decoding: volume.read(open), as: UTF8.self) == "mine")
        volume.release(open)
    }

    // MARK: Appends

    @Test(arguments: ["a version that is longer", "x"]) func anAppendGoesToTheEndOfWhatIsThere(
        new: String
    ) throws {
        let (volume, inode) = try known("first")
        let open = try volume.open("d/a", write: true)
        volume.store.plant(Volume.bucket, "d/a", Array(new.utf8))
        _ = volume.notices.takeAll()
        // Where the kernel takes the end to be, twice.
        try volume.write(open, "+one", at: 5, .append)
        #expect(volume.notices.takeAll().contains(.content(inode)))
        try volume.write(open, "+two", at: 9, .append)
        // And where it is, once the kernel has asked.
        let size = try volume.call { volume.fileSystem.getattr(inode, $0) }.attributes.size
        try volume.write(open, "+three", at: size, .append)
        try volume.close(open)
        volume.settle()
        #expect(volume.text("d/a") == new + "+one+two+three")
        #expect(volume.store.keys(Volume.bucket) == ["d/a"])
    }

    /// Seed 10392 of the histories: a notice of the newer version overtook the answer with its size, so that the
    /// kernel dropped the answer.
    @Test(
        arguments: ["a version that is longer", "x"],
        [(AttributeSource.posix, true), (.posix, false), (.list, true), (.list, false)])
    func anAppendGoesToTheEndWhetherTheKernelTookTheSizeOrNot(
        new: String, case: (source: AttributeSource, isTaken: Bool)
    ) throws {
        let (source, isTaken) = `case`
        let (volume, inode) = try known("first", source)
        volume.store.plant(Volume.bucket, "d/a", Array(new.utf8))
        try relist(volume)
        let directory = try volume.inode("d")
        let files = volume.fileSystem
        #expect(try volume.call { files.lookup(directory, "a", $0) }.inode == inode)
        let handle = try volume.call { files.open(inode, OpenFlags(read: false, write: true), $0) }
        let end = isTaken ? UInt64(new.utf8.count) : 5
        try volume.write((inode, handle.handle), "+one", at: end, .append)
        try volume.write((inode, handle.handle), "+two", at: end + 4, .append)
        try volume.close((inode, handle.handle))
        volume.settle()
        #expect(volume.text("d/a") == new + "+one+two")
    }

    /// The kernel took the first of two newer sizes, and has not been told of the second. Seed 920137 of the
    /// simulation of two clients.
    @Test func anAppendGoesToTheEndOfTheSecondNewerVersion() throws {
        let (volume, _) = try known("first")
        volume.store.plant(Volume.bucket, "d/a", Array("a longer one".utf8))
        try relist(volume)
        let open = try volume.open("d/a", write: true)
        volume.store.plant(Volume.bucket, "d/a", Array("the longest of them".utf8))
        try volume.write(open, "+one", at: 12, .append)
        try volume.close(open)
        volume.settle()
        #expect(volume.text("d/a") == "the longest of them+one")
    }

    /// A cut tells the kernel the size: nothing of an older version is left then.
    @Test func anAppendAfterACutGoesWhereTheKernelPutsIt() throws {
        let (volume, _) = try known("first")
        volume.store.plant(Volume.bucket, "d/a", Array("a longer one".utf8))
        try relist(volume)
        try volume.change("d/a") { $0.size = 8 }
        let open = try volume.open("d/a", write: true)
        try volume.write(open, "+one", at: 8, .append)
        try volume.close(open)
        volume.settle()
        #expect(volume.text("d/a") == "a longer+one")
    }

    /// Seed 10354: what a renamed file is copied from was replaced, and a longer version came under its name.
    @Test func anAppendToARenamedFileGoesToTheEndOfWhatIsCopied() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "b", Array("first".utf8))
        _ = try volume.attributes("b")
        try volume.rename("b", "a")
        let open = try volume.open("a", write: true)
        volume.store.plant(Volume.bucket, "b", Array("a longer one".utf8))
        volume.world.advance(by: .seconds(5))
        try volume.write(open, "+one", at: 5, .append)
        try volume.close(open)
        volume.settle()
        #expect(volume.text("a") == "a longer one+one")
        #expect(volume.text("b") == nil)
    }

    @Test func anAppendToALargeObjectGoesToTheEndOfWhatIsThere() throws {
        let volume = try Volume { $0.wholeBytesMax = 4 }
        volume.store.plant(Volume.bucket, "a", Array("first".utf8))
        let open = try volume.open("a", write: true)
        volume.store.plant(Volume.bucket, "a", Array("a longer one".utf8))
        try volume.write(open, "+one", at: 5, .append)
        try volume.close(open)
        volume.settle()
        #expect(volume.text("a") == "a longer one+one")
    }

    @Test func anyOtherWriteIsRefusedWhenItsVersionIsGone() throws {
        let (volume, _) = try known("first")
        let open = try volume.open("d/a", write: true)
        volume.store.plant(Volume.bucket, "d/a", Array("another version".utf8))
        #expect(throws: FileSystemError.stale) { try volume.write(open, "x", at: 5) }
        // What a mapping wrote is where it is, whatever the flags.
        #expect(throws: FileSystemError.stale) {
            try volume.write(open, "x", at: 5, [.append, .pages])
        }
        try volume.close(open)
        volume.settle()
        #expect(volume.text("d/a") == "another version")
    }

    @Test func anAppendToAnObjectThatIsGoneIsRefused() throws {
        let (volume, _) = try known("first")
        let open = try volume.open("d/a", write: true)
        volume.store.uproot(Volume.bucket, "d/a")
        #expect(throws: FileSystemError.stale) { try volume.write(open, "x", at: 5, .append) }
        volume.release(open)
    }

    // MARK: Pages

    @Test func pagesGoAfterADirectWrite() throws {
        let volume = try Volume()
        try volume.save("a", "first")
        let (inode, _) = try volume.open("a")
        let reading = OpenFlags(read: true, write: false)
        #expect(try volume.call { volume.fileSystem.open(inode, reading, $0) }.keepCache)
        let direct = try volume.open("a", write: true)
        _ = volume.notices.takeAll()
        try volume.write(direct, "other", at: 0, .direct)
        #expect(volume.notices.takeAll().contains(.content(inode)))
        #expect(try !volume.call { volume.fileSystem.open(inode, reading, $0) }.keepCache)
        #expect(try volume.call { volume.fileSystem.open(inode, reading, $0) }.keepCache)
    }

    // MARK: Conflicts

    @Test func theKernelIsToldWhenAConflictIsSettled() throws {
        let (volume, inode) = try known()
        let directory = try volume.inode("d")
        try volume.save("d/a", "mine")
        volume.store.plant(Volume.bucket, "d/a", Array("theirs".utf8))
        _ = volume.notices.takeAll()
        volume.settle()
        #expect(volume.notices.takeAll().contains(.entry(directory, "a")))
        #expect(try volume.load("d/a") == "theirs")
        #expect(try volume.inode("d/a") != inode)
    }

    // MARK: Notices

    @Test func noticesAreToldOnceAndBounded() {
        var queue = KernelNoticeQueue(countMax: 3)
        let inode = InodeNumber(7)
        let posted: [KernelNotice] = [
            .attributes(inode), .attributes(inode), .content(inode), .entry(.root, "a"),
            .entry(.root, "b"),
        ]
        #expect(posted.map { queue.append($0) } == [true, false, true, true, false])
        #expect(queue.dropped == 1)
        var told = queue.takeAll()
        #expect(told == [.attributes(inode), .content(inode), .entry(.root, "a")])
        let more: [KernelNotice] = [.content(inode), .attributes(inode)]
        #expect(more.map { queue.append($0) } == [true, false])
        told = queue.takeAll()
        #expect(told == [.content(inode)])
    }
}
