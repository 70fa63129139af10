import RGWBase
import Testing

@testable import RGWHost

@Suite struct HostFileTests {
    @Test func missingFileIsNil() throws {
        try withTemporaryDirectory { directory throws in
            #expect(try HostFile.read("\(directory)/none") == nil)
            #expect(try HostFile.line("\(directory)/none") == nil)
            #expect(try HostNames.status("\(directory)/none") == nil)
            #expect(try HostNames.list("\(directory)/none") == nil)
        }
    }

    @Test(arguments: [0o600, 0o640, 0o444] as [UInt32])
    func contentComesWithModeAndOwner(mode: UInt32) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/credentials"
            try HostFile.writeAtomically(path, text: "AK:SK\n", mode: mode)
            let contents = try #require(try HostFile.read(path))
            #expect(contents.text == "AK:SK\n")
            #expect(contents.status.permissions == mode)
            #expect(contents.status.uid == HostProcess.effectiveUser)
            #expect(contents.status.kind == .regular)
            #expect(contents.status.size == 6)
            #expect(contents.status.mtime > WallTime(seconds: 1_600_000_000))
        }
    }

    @Test(arguments: ["/dev/zero", "/dev/null", "/tmp"])
    func onlyRegularFilesAreRead(path: String) {
        #expect(throws: HostError("read", path: path, errno: 22)) {
            _ = try HostFile.read(path)
        }
    }

    @Test func fileOverTheLimitIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/file"
            try HostFile.writeAtomically(path, text: "12345", mode: 0o600)
            #expect(try HostFile.read(path, limit: 5)?.bytes.count == 5)
            #expect(throws: HostError.self) { _ = try HostFile.read(path, limit: 4) }
        }
    }

    @Test func textThatIsNotUTF8IsNil() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/file"
            try HostFile.writeAtomically(path, bytes: [0xFF], mode: 0o600)
            #expect(try HostFile.read(path)?.text == nil)
        }
    }

    @Test func atomicWriteReplacesAndLeavesNothingBeside() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/file"
            try HostFile.writeAtomically(path, text: "a longer old text", mode: 0o644)
            try HostFile.writeAtomically(path, text: "new", mode: 0o600)
            #expect(try HostFile.read(path)?.text == "new")
            #expect(try HostFile.read(path)?.status.permissions == 0o600)
            #expect(try HostNames.list(directory) == ["file"])
        }
    }

    @Test func failedAtomicWriteLeavesTheOldOneAndNoTrace() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/folder"
            try HostNames.makeDirectory(path, mode: 0o700)
            #expect(throws: HostError.self) {
                try HostFile.writeAtomically(path, text: "new", mode: 0o600)
            }
            #expect(try HostNames.list(directory) == ["folder"])
        }
    }

    @Test func directoriesAreMadeWithTheModeOfTheLastOnly() throws {
        try withTemporaryDirectory { directory in
            try HostNames.makeDirectories("\(directory)/a/b/c", mode: 0o700)
            #expect(try HostNames.status("\(directory)/a/b/c")?.permissions == 0o700)
            #expect(try HostNames.status("\(directory)/a/b")?.kind == .directory)
        }
    }

    @Test func moveNeverReplaces() throws {
        try withTemporaryDirectory { directory in
            for name in ["a", "b"] {
                try HostFile.writeAtomically("\(directory)/\(name)", text: name, mode: 0o600)
            }
            #expect(throws: HostError.self) {
                try HostNames.move("\(directory)/a", to: "\(directory)/b")
            }
            #expect(try HostFile.read("\(directory)/b")?.text == "b")
            try HostNames.move("\(directory)/a", to: "\(directory)/c")
            #expect(try HostNames.list(directory) == ["b", "c"])
        }
    }

    @Test(arguments: [
        ("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a", "."), ("a/b/", "a"), ("/a/b//", "/a"),
    ])
    func parentIsTheDirectoryAbove(path: String, parent: String) {
        #expect(HostNames.parentDirectory(of: path) == parent)
    }
}
