import RGWBase
import RGWObject
import RGWSpool
import Testing

@testable import RGWHost

@Suite struct HostSpoolFileTests {
    /// An empty spool file, in a directory that goes with it.
    private func withFile(_ body: (any SpoolFile) throws -> Void) throws {
        try withTemporaryDirectory { spool in
            try body(try HostFiles(spool: spool).create(DataID(7)))
        }
    }

    @Test func readsAreShortOnlyAtTheEnd() throws {
        try withFile { file in
            try file.write([1, 2, 3, 4, 5].span, at: 0)
            #expect(try file.read(at: 1, count: 3) == [2, 3, 4])
            #expect(try file.read(at: 3, count: 100) == [4, 5])
            #expect(try file.read(at: 5, count: 1) == [])
            #expect(try file.read(at: .max, count: 1) == [])
            #expect(try file.read(at: 0, count: 0) == [])
        }
    }

    @Test func gapReadsAsZeros() throws {
        try withFile { file in
            try file.write([9].span, at: 10_000)
            #expect(try file.size() == 10_001)
            #expect(try file.read(at: 9_998, count: 9) == [0, 0, 9])
        }
    }

    @Test func writingNothingChangesNothing() throws {
        try withFile { file in
            try file.write([UInt8]().span, at: 100)
            #expect(try file.size() == 0)
        }
    }

    @Test func truncateCutsAndGrows() throws {
        try withFile { file in
            try file.write([1, 2, 3].span, at: 0)
            try file.truncate(to: 2)
            try file.truncate(to: 4)
            #expect(try file.read(at: 0, count: 10) == [1, 2, 0, 0])
        }
    }

    @Test func descriptorIsTheOneToReadFrom() throws {
        try withFile { file in
            try file.write([1, 2, 3].span, at: 0)
            let link = "/proc/self/fd/\(file.descriptor)"
            #expect(try HostNames.status(link)?.size == 3)
        }
    }

    @Test(arguments: [
        (0, "d41d8cd98f00b204e9800998ecf8427e"), (5, "5d41402abc4b2a76b9719d911017c592"),
        (6, "f814893777bcc2295fff05f00e508da6"),
        // 1 MiB and 3 MiB + 1: "hello" followed by zeros.
        (1 << 20, "5068963b260d57d5e3e9c7d5d774b77d"),
        (3 << 20 | 1, "88a6a85a94b580b13b70a88c536b97df"),
    ])
    func digestIsOfThePrefixAsked(length: UInt64, expected: String) throws {
        try withFile { file in
            try file.write(Array("hello\n".utf8).span, at: 0)
            if length > 6 {
                try file.write([0].span, at: 5)
                try file.truncate(to: length + 10)
            } else if length == 6 {
                try file.write([0x20].span, at: 5)
            }
            let digest = try file.md5(length: length)
            #expect(digest.map { hexadecimal(UInt64($0), digits: 2) }.joined() == expected)
        }
    }

    @Test func digestOfMoreThanThereIsFails() throws {
        try withFile { file in
            try file.write([1, 2, 3].span, at: 0)
            #expect(throws: SpoolError.self) { _ = try file.md5(length: 4) }
        }
    }

    @Test func punchedHoleReadsAsZerosAndKeepsTheSize() throws {
        try withFile { file in
            let block = [UInt8](repeating: 0xAA, count: 4_096)
            for index in 0..<3 as Range<UInt64> { try file.write(block.span, at: index * 4_096) }
            try file.punchHole(4_096..<8_192)
            try file.punchHole(100..<100)
            #expect(try file.size() == 12_288)
            #expect(try file.read(at: 4_095, count: 3) == [0xAA, 0, 0])
            #expect(try file.read(at: 8_191, count: 2) == [0, 0xAA])
            #expect(try file.seek(from: 0, hole: true) == 4_096)
            #expect(try file.seek(from: 4_096, hole: false) == 8_192)
            // Every file ends in a hole, and there is no data behind it.
            #expect(try file.seek(from: 8_192, hole: true) == 12_288)
            #expect(try file.seek(from: 12_288, hole: false) == nil)
            #expect(try file.seek(from: .max, hole: false) == nil)
        }
    }

    @Test func allocationGrowsTheFileUnlessToldNotTo() throws {
        try withFile { file in
            try file.allocate(0..<8_192, keepSize: true)
            #expect(try file.size() == 0)
            try file.allocate(4_096..<8_192, keepSize: false)
            #expect(try file.size() == 8_192)
            #expect(try file.read(at: 8_190, count: 5) == [0, 0])
        }
    }

    @Test func whatNoFilesystemCanHoldIsTooLarge() throws {
        try withFile { file throws in
            #expect(throws: SpoolError.tooLarge) { try file.write([1].span, at: 1 << 63) }
            #expect(throws: SpoolError.tooLarge) { try file.truncate(to: .max) }
            #expect(throws: SpoolError.tooLarge) {
                try file.allocate(0..<(1 << 63), keepSize: false)
            }
            #expect(try file.size() == 0)
        }
    }

    @Test func fullDeviceIsFull() throws {
        // /dev/full answers every write with ENOSPC. Source: full(4).
        let file = HostSpoolFile(try HostDescriptor("/dev/full", .write))
        #expect(throws: SpoolError.full) { try file.write([1].span, at: 0) }
    }

    @Test(
        arguments: [
            (28, SpoolError.full), (122, .full), (27, .tooLarge),
            (5, .failed(operation: "write /x", errno: 5)),
        ] as [(Int32, SpoolError)])
    func systemErrorsBecomeTheSpools(number: Int32, expected: SpoolError) {
        #expect(HostError("write", path: "/x", errno: number).spoolError == expected)
    }

    @Test func errorIsOneLineWithTheCallThePathAndTheReason() {
        let error = HostError("open", path: "/a/b", errno: 13)
        #expect(error.description == "open /a/b: Permission denied")
    }
}
