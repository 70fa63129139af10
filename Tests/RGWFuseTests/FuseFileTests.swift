import Glibc
import RGWBase
import RGWFuse
import RGWVFS
import Synchronization
import Testing

/// Content through a real mount.
@Suite struct FuseFileTests {
    static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    /// Ways a read can be answered: from a file, from memory whole, in pieces, in more pieces than
    /// one system call takes.
    static let readAnswers: [MemoryFileSystem.Options] = [
        .init(readsFromFile: true), .init(), .init(pieces: 7), .init(pieces: 2000),
    ]

    @Test(arguments: readAnswers) func whatIsWrittenIsRead(
        _ options: MemoryFileSystem.Options
    )
        throws
    {
        try TestMount.with(MemoryFileSystem(options)) { mount in
            let content = Self.pattern(2_300_001)
            try Posix.writeFile(mount["file"], content)
            #expect(try Posix.readFile(mount["file"]) == content)
        }
    }

    @Test func attributesAreThoseOfTheFileSystem() throws {
        try TestMount.with { mount in
            try Posix.writeFile(mount["file"], Self.pattern(1025))
            #expect(unsafe mkdir(mount["dir"], 0o750) == 0)
            let file = try Posix.stat(mount["file"])
            #expect(file.st_size == 1025)
            #expect(file.st_blocks == 3)
            #expect(file.st_blksize == 1 << 20)
            #expect(file.st_nlink == 1)
            #expect(file.st_mode == S_IFREG | 0o644)
            #expect(file.st_mtim.tv_nsec == 123_456_789)
            #expect(file.st_ino == mount.fileSystem.inode("file").map { UInt($0.value) })
            let directory = try Posix.stat(mount["dir"])
            #expect(directory.st_nlink == 1)
            #expect(directory.st_mode == S_IFDIR | 0o750)
        }
    }

    @Test func bigWritesAndReadsArriveAsOneMebibyte() throws {
        try TestMount.with { mount in
            let bytes = Self.pattern(1 << 20)
            var descriptor = try Posix.open(mount["big"], O_WRONLY | O_CREAT)
            for _ in 0..<4 { #expect(try Posix.write(descriptor, bytes) == 1 << 20) }
            try Posix.close(descriptor)
            #expect(mount.fileSystem.seen.writeSizes == Array(repeating: 1 << 20, count: 4))
            // Opening again drops the pages that writing left in the kernel.
            descriptor = try Posix.open(mount["big"], O_RDONLY)
            for _ in 0..<4 { #expect(try Posix.read(descriptor, 1 << 20) == bytes) }
            try Posix.close(descriptor)
            #expect(mount.fileSystem.seen.readSizes.contains(1 << 20))
        }
    }

    @Test func seekingAppendingAndTruncatingWork() throws {
        try TestMount.with { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT | O_EXCL)
            defer { close(descriptor) }
            _ = try Posix.write(descriptor, Array("0123456789".utf8))
            #expect(lseek(descriptor, 4, SEEK_SET) == 4)
            #expect(try Posix.read(descriptor, 3) == Array("456".utf8))
            #expect(lseek(descriptor, 20, SEEK_SET) == 20)
            _ = try Posix.write(descriptor, [0x21])
            #expect(lseek(descriptor, 0, SEEK_END) == 21)
            #expect(ftruncate(descriptor, 5) == 0)
            #expect(try Posix.readFile(mount["file"]) == Array("01234".utf8))
            try Posix.writeFile(mount["file"], Array("5".utf8), flags: O_APPEND)
            #expect(try Posix.readFile(mount["file"]) == Array("012345".utf8))
            try Posix.writeFile(mount["file"], [], flags: O_TRUNC)
            #expect(try Posix.stat(mount["file"]).st_size == 0)
            #expect(Posix.errno { _ = try Posix.open(mount["file"], O_CREAT | O_EXCL) } == EEXIST)
            #expect(Posix.errno { _ = try Posix.open(mount["none"], O_RDONLY) } == ENOENT)
        }
    }

    @Test func fsyncAndFdatasyncAreTold() throws {
        try TestMount.with { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            #expect(fsync(descriptor) == 0)
            #expect(fdatasync(descriptor) == 0)
            try Posix.close(descriptor)
            let directory = try Posix.open(mount.path, O_RDONLY | O_DIRECTORY)
            #expect(fsync(directory) == 0)
            try Posix.close(directory)
            let requests = mount.fileSystem.seen.requests
            #expect(requests["fsync"] == 1)
            #expect(requests["fdatasync"] == 1)
            #expect(requests["fsyncdir"] == 1)
            #expect(requests["flush"] == 1)
        }
    }

    @Test func anErrorOfFlushReachesClose() throws {
        let fileSystem = MemoryFileSystem(.init(flushError: .quotaExceeded))
        try TestMount.with(fileSystem) { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            #expect(Posix.errno { try Posix.close(descriptor) } == EDQUOT)
        }
    }

    @Test func threadsWorkInParallel() throws {
        try TestMount.with { mount in
            let failures = Mutex<[String]>([])
            let threads = (0..<8).map { number in
                TestThread {
                    do {
                        for round in 0..<20 {
                            let content = Self.pattern(5000 + number * 1000 + round)
                            let path = mount["file-\(number)"]
                            try Posix.writeFile(path, content, flags: O_CREAT | O_TRUNC)
                            let back = try Posix.readFile(path)
                            if back != content { failures.withLock { $0.append(path) } }
                        }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
            for thread in threads { #expect(thread.join()) }
            #expect(failures.withLock { $0 } == [])
        }
    }

    @Test func aParkedRequestIsAnsweredByAnotherThreadAndHoldsNobodyUp() throws {
        try TestMount.with { mount in
            let names = (0..<20).map { "later-\($0)" }
            for name in names { mount.fileSystem.addFile(try EntryName(Array(name.utf8))) }
            try Posix.writeFile(mount["other"], [1, 2, 3])
            let found = Atomic<Int>(0)
            let waiting = names.map { name in
                TestThread {
                    if (try? Posix.stat(mount[name])) != nil { found.add(1, ordering: .relaxed) }
                }
            }
            // More requests are parked than there are threads, and others still get through.
            #expect(mount.wait { $0.parked.count == names.count })
            #expect(try Posix.readFile(mount["other"]) == [1, 2, 3])
            #expect(found.load(ordering: .relaxed) == 0)
            let answering = TestThread {
                while let answer = mount.fileSystem.nextParked() { answer() }
            }
            #expect(answering.join())
            for thread in waiting { #expect(thread.join()) }
            #expect(found.load(ordering: .relaxed) == names.count)
        }
    }

    @Test func changesOfAttributesArriveAsAsked() throws {
        try TestMount.with { mount in
            try Posix.writeFile(mount["file"], [1])
            #expect(unsafe chmod(mount["file"], 0o4711) == 0)
            #expect(unsafe chown(mount["file"], 12, 34) == 0)
            let path = mount["file"]
            let now = (1 << 30) - 1  // UTIME_NOW
            let omit = (1 << 30) - 2  // UTIME_OMIT
            func touch(_ atime: timespec, _ mtime: timespec) -> Int32 {
                unsafe utimensat(AT_FDCWD, path, [atime, mtime], 0)
            }
            let chosen = timespec(tv_sec: 77, tv_nsec: 5)
            #expect(
                touch(timespec(tv_sec: 0, tv_nsec: now), timespec(tv_sec: 0, tv_nsec: omit)) == 0)
            #expect(touch(timespec(tv_sec: 0, tv_nsec: omit), chosen) == 0)
            let status = try Posix.stat(path)
            #expect(status.st_uid == 12 && status.st_gid == 34)
            #expect(status.st_mtim.tv_sec == 77 && status.st_mtim.tv_nsec == 5)
            let changes = mount.fileSystem.seen.changes
            #expect(changes.contains { $0.permissions == 0o4711 && $0.uid == nil })
            #expect(changes.contains { $0.uid == 12 && $0.gid == 34 })
            #expect(changes.contains { $0.atime == .now && $0.mtime == nil })
            let time = WallTime(seconds: 77, nanoseconds: 5)
            #expect(changes.contains { $0.atime == nil && $0.mtime == .at(time) })
        }
    }

    /// HANDLE_KILLPRIV_V2: taking set-user-ID bits away is the filesystem's part.
    @Test func aChownComesWithoutAChangeOfMode() throws {
        try TestMount.with { mount in
            try Posix.writeFile(mount["file"], [1])
            #expect(unsafe chmod(mount["file"], 0o4755) == 0)
            #expect(unsafe chown(mount["file"], 12, 34) == 0)
            let change = try #require(mount.fileSystem.seen.changes.last)
            #expect(change.uid == 12 && change.gid == 34 && change.permissions == nil)
        }
    }

    @Test func aWriteSaysWhetherSetIDBitsMustGo() throws {
        var options = FuseOptions()
        options.allowOther = true
        try TestMount.with(options: options) { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            defer { close(descriptor) }
            _ = try Posix.write(descriptor, [1])
            #expect(mount.fileSystem.seen.dropped == 0)
            let other = TestThread {
                LinuxCalls.becomeNobody()
                _ = try? Posix.write(descriptor, [2])
                ftruncate(descriptor, 1)
            }
            #expect(other.join())
            #expect(mount.fileSystem.seen.dropped == 1)
            let change = try #require(mount.fileSystem.seen.changes.last)
            #expect(change.size == 1 && change.dropsPrivileges && change.hasHandle)
            #expect(ftruncate(descriptor, 0) == 0)
            #expect(mount.fileSystem.seen.changes.last?.dropsPrivileges == false)
        }
    }

    @Test func writesDoNotAskForCapabilities() throws {
        try TestMount.with { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            defer { close(descriptor) }
            for _ in 0..<50 { _ = try Posix.write(descriptor, [1]) }
            #expect(mount.fileSystem.seen.requests["getxattr", default: 0] <= 1)
        }
    }

    @Test func rangesAreAllocatedPunchedAndZeroed() throws {
        try TestMount.with { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            defer { close(descriptor) }
            #expect(LinuxCalls.fallocate(descriptor, 0, 0, 10) == 0)
            #expect(LinuxCalls.fallocate(descriptor, 1, 5, 10) == 0)
            #expect(LinuxCalls.fallocate(descriptor, 3, 1, 2) == 0)
            #expect(LinuxCalls.fallocate(descriptor, 16, 1, 2) == 0)
            // COLLAPSE_RANGE, INSERT_RANGE, UNSHARE_RANGE
            for mode: Int32 in [8, 32, 64] {
                #expect(LinuxCalls.fallocate(descriptor, mode, 0, 4096) == Int(-EOPNOTSUPP))
            }
            #expect(
                mount.fileSystem.seen.allocations == [
                    "reserve(keepsSize: false) 0..<10", "reserve(keepsSize: true) 5..<15",
                    "punchHole 1..<3", "zero(keepsSize: false) 1..<3",
                ])
        }
    }

    @Test func dataAndHolesAreSought() throws {
        try TestMount.with { mount in
            try Posix.writeFile(mount["file"], Self.pattern(100))
            let descriptor = try Posix.open(mount["file"], O_RDONLY)
            defer { close(descriptor) }
            let (data, hole): (Int32, Int32) = (3, 4)
            #expect(lseek(descriptor, 7, data) == 7)
            #expect(lseek(descriptor, 7, hole) == 100)
            #expect(lseek(descriptor, 100, data) == -1)
            #expect(errno == ENXIO)
        }
    }

    @Test func statfsShowsTheVolume() throws {
        try TestMount.with { mount in
            var volume = statvfs()
            #expect(unsafe statvfs(mount.path, &volume) == 0)
            #expect(volume.f_frsize * volume.f_blocks == 1 << 40)
            #expect(volume.f_frsize * volume.f_bavail == 1 << 39)
            #expect(volume.f_files == 1000)
            #expect(volume.f_ffree == 900)
            #expect(volume.f_namemax == 255)
        }
    }

    @Test func locksAreKeptByTheKernel() throws {
        try TestMount.with { mount in
            let first = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            let second = try Posix.open(mount["file"], O_RDWR)
            defer {
                close(first)
                close(second)
            }
            #expect(flock(first, LOCK_EX | LOCK_NB) == 0)
            #expect(flock(second, LOCK_EX | LOCK_NB) == -1)
            #expect(flock(first, LOCK_UN) == 0)
            #expect(flock(second, LOCK_EX | LOCK_NB) == 0)
        }
    }
}
