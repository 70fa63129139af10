import CRGWFuse
import Glibc
import RGWBase
import RGWFuse
import Testing

/// Names, directories and links through a real mount.
@Suite struct FuseNameTests {
    /// The path of a name in the mount, as bytes.
    static func path(_ mount: TestMount, _ name: [UInt8]) -> [UInt8] {
        Array(mount.path.utf8) + [0x2F] + name
    }

    @Test func namesOf255BytesWorkAnd256AreTooLong() throws {
        try TestMount.with { mount in
            let longest = String(repeating: "n", count: 255)
            try Posix.writeFile(mount[longest], [7])
            #expect(try Posix.list(mount.path).map(\.name).contains(longest))
            #expect(Posix.errno { _ = try Posix.stat(mount[longest + "n"]) } == ENAMETOOLONG)
            #expect(
                Posix.errno { try Posix.writeFile(mount[longest + "n"], [7]) } == ENAMETOOLONG)
            let wide = String(repeating: "é", count: 127)
            try Posix.writeFile(mount[wide], [7])
            #expect(try Posix.readFile(mount[wide]) == [7])
        }
    }

    @Test func aNameThatIsNotUTF8IsRefused() throws {
        try TestMount.with { mount in
            let bad = Self.path(mount, [0x61, 0xFF, 0x62])
            #expect(Posix.errno { _ = try Posix.stat(bytes: bad) } == EILSEQ)
        }
    }

    @Test func renameHasItsThreeModes() throws {
        try TestMount.with { mount in
            func move(_ from: String, _ to: String, _ flags: Int = 0) -> Int32 {
                Int32(-LinuxCalls.rename(mount[from], mount[to], flags: flags))
            }
            try Posix.writeFile(mount["a"], [1])
            try Posix.writeFile(mount["b"], [2])
            #expect(move("a", "b", Int(CRGWFuse_renameNoReplace)) == EEXIST)
            #expect(move("a", "b", Int(CRGWFuse_renameExchange)) == 0)
            #expect(try Posix.readFile(mount["a"]) == [2])
            #expect(try Posix.readFile(mount["b"]) == [1])
            #expect(move("a", "b") == 0)
            #expect(Posix.errno { _ = try Posix.stat(mount["a"]) } == ENOENT)
            #expect(try Posix.readFile(mount["b"]) == [2])
            #expect(move("b", "c", Int(CRGWFuse_renameNoReplace)) == 0)
            #expect(move("c", String(repeating: "x", count: 256)) == ENAMETOOLONG)
            // RENAME_WHITEOUT
            #expect(move("c", "d", 4) == EINVAL)
        }
    }

    @Test func linksAreSymbolicOnly() throws {
        try TestMount.with { mount in
            let target = "some/where/" + String(repeating: "t", count: 2000)
            #expect(unsafe symlink(target, mount["link"]) == 0)
            #expect(try Posix.stat(mount["link"]).st_mode & S_IFMT == S_IFLNK)
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = unsafe readlink(mount["link"], &buffer, buffer.count)
            #expect(
                String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    == target)
            try Posix.writeFile(mount["file"], [1])
            let refused = Posix.errno {
                try Posix.check(unsafe link(mount["file"], mount["hard"]))
            }
            #expect(refused == EPERM)
        }
    }

    @Test func everyKindOfNodeCanBeMade() throws {
        var options = FuseOptions()
        options.flags = [.dev]
        try TestMount.with(options: options) { mount in
            let kinds: [(String, mode_t, dev_t)] = [
                ("pipe", S_IFIFO, 0), ("socket", S_IFSOCK, 0), ("char", S_IFCHR, 0x103),
                ("block", S_IFBLK, 0x801), ("plain", S_IFREG, 0),
            ]
            for (name, kind, device) in kinds {
                #expect(unsafe mknod(mount[name], kind | 0o640, device) == 0)
                let status = try Posix.stat(mount[name])
                #expect(status.st_mode & S_IFMT == kind)
                #expect(status.st_rdev == device)
            }
        }
    }

    @Test func directoriesAreMadeAndRemoved() throws {
        try TestMount.with { mount in
            #expect(unsafe mkdir(mount["d"], 0o755) == 0)
            try Posix.writeFile(mount["d/f"], [1])
            #expect(Posix.errno { try Posix.check(unsafe rmdir(mount["d"])) } == ENOTEMPTY)
            #expect(Posix.errno { try Posix.check(unsafe unlink(mount["d"])) } == EISDIR)
            #expect(unsafe unlink(mount["d/f"]) == 0)
            #expect(unsafe rmdir(mount["d"]) == 0)
            #expect(try Posix.list(mount.path).map(\.name) == [".", ".."])
        }
    }

    @Test(arguments: [false, true]) func fiveThousandEntriesAreListedOnce(_ leavesOut: Bool) throws
    {
        let fileSystem = MemoryFileSystem(.init(plusLeavesOut: leavesOut))
        for number in 0..<5000 {
            fileSystem.addFile(try EntryName(Array("entry-\(number)".utf8)))
        }
        try TestMount.with(fileSystem) { mount in
            let entries = try Posix.list(mount.path)
            #expect(entries.count == 5002)
            #expect(Set(entries.map(\.name)).count == 5002)
            #expect(entries.filter { $0.type == Int32(DT_REG) }.count == 5000)
            #expect(entries.filter { $0.type == Int32(DT_DIR) }.count == 2)
            for entry in entries.dropFirst(2).prefix(50) {
                let inode = fileSystem.inode(try EntryName(Array(entry.name.utf8)))
                #expect(entry.inode == inode.map { UInt($0.value) })
                // Names without attributes are looked up when they are asked for.
                #expect(try Posix.stat(mount[entry.name]).st_ino == entry.inode)
            }
            let requests = fileSystem.seen.requests
            #expect((requests["readdirplus"] ?? 0) > 0)
            #expect((requests["lookup"] ?? 0) >= (leavesOut ? 20 : 0))
            // The filesystem hands out more than fits; what was left out came back.
            #expect(fileSystem.seen.forgotten.values.reduce(0, +) > 0)
        }
    }

    @Test func aDirectoryCanBeReadAgainFromAnyPlace() throws {
        let fileSystem = MemoryFileSystem()
        for number in 0..<3000 {
            fileSystem.addFile(try EntryName(Array("entry-\(number)".utf8)))
        }
        try TestMount.with(fileSystem) { mount in
            guard let directory = unsafe opendir(mount.path) else {
                throw Posix.Failure(errno: errno)
            }
            defer { unsafe closedir(directory) }
            func next() -> UInt? { unsafe readdir(directory).map { unsafe $0.pointee.d_ino } }
            for _ in 0..<1234 { _ = next() }
            let place = unsafe telldir(directory)
            let expected = next()
            while next() != nil {}
            unsafe seekdir(directory, place)
            #expect(next() == expected)
            unsafe rewinddir(directory)
            var count = 0
            while next() != nil { count += 1 }
            #expect(count == 3002)
        }
    }

    @Test func extendedAttributesFollowTheSizeProtocol() throws {
        try TestMount.with { mount in
            let path = mount["file"]
            try Posix.writeFile(path, [1])
            let value = FuseFileTests.pattern(300)
            let create = Int(CRGWFuse_xattrCreate)
            let replace = Int(CRGWFuse_xattrReplace)
            #expect(LinuxCalls.setxattr(path, "user.b", value) == 0)
            #expect(LinuxCalls.setxattr(path, "user.a", [1], flags: create) == 0)
            #expect(LinuxCalls.setxattr(path, "user.a", [1], flags: create) == -Int(EEXIST))
            #expect(LinuxCalls.setxattr(path, "user.c", [1], flags: replace) == -Int(ENODATA))
            var none: [UInt8] = []
            #expect(LinuxCalls.getxattr(path, "user.b", room: &none) == 300)
            var little = [UInt8](repeating: 0, count: 299)
            #expect(LinuxCalls.getxattr(path, "user.b", room: &little) == -Int(ERANGE))
            var enough = [UInt8](repeating: 0, count: 300)
            #expect(LinuxCalls.getxattr(path, "user.b", room: &enough) == 300)
            #expect(enough == value)
            #expect(LinuxCalls.listxattr(path, room: &none) == 14)
            little = [UInt8](repeating: 0, count: 13)
            #expect(LinuxCalls.listxattr(path, room: &little) == -Int(ERANGE))
            enough = [UInt8](repeating: 1, count: 14)
            #expect(LinuxCalls.listxattr(path, room: &enough) == 14)
            #expect(enough == Array("user.a\0user.b\0".utf8))
            #expect(LinuxCalls.removexattr(path, "user.a") == 0)
            #expect(LinuxCalls.removexattr(path, "user.a") == -Int(ENODATA))
        }
    }
}
