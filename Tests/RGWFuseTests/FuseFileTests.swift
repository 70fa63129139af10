import Glibc
import RGWBase
import RGWFuse
import Synchronization
import Testing

/// Content through a real mount.
@Suite struct FuseFileTests {
    static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test func whatIsWrittenIsRead() throws {
        try TestMount.with { mount in
            let content = Self.pattern(300_000)
            try Posix.writeFile(mount["file"], content)
            #expect(try Posix.readFile(mount["file"]) == content)
            let status = try Posix.stat(mount["file"])
            #expect(status.st_size == 300_000)
            #expect(status.st_blocks == 586)
            #expect(status.st_blksize == 1 << 20)
            #expect(status.st_nlink == 1)
            #expect(status.st_mode == S_IFREG | 0o644)
        }
    }
}
