import RGWBase
import RGWObject
import RGWTestKit
import Testing

@testable import RGWVFS

/// Values in metadata that no file can have.
@Suite struct ForeignValueTests {
    private static let names = [
        "mode", "uid", "gid", "mtime", "ctime", "atime", "rdev", "owner", "group", "permissions",
        "goog-reserved-posix-mode", "goog-reserved-posix-uid", "goog-reserved-posix-gid",
        "goog-reserved-file-mtime",
    ]
    private static let pieces = [
        "", "0", "-", "+", ".", "x", "0x", "7", "8", "9", "40755", "33188", "4294967295",
        "4294967296",
        "9223372036854775807", "9223372036854775808", "18446744073709551615", "-1", "1e9", "nan",
        "999999999", "1700000000", " ", "\u{661}", "ffffffff", "120000", "170000", "8612",
    ]

    private func text(_ random: inout SplitMix) -> String {
        (0..<(random.next() % 3 + 1)).map { _ in
            Self.pieces[Int(random.next() % UInt64(Self.pieces.count))]
        }.joined()
    }

    private func check(_ attributes: FileAttributes, _ user: [String: String]) {
        #expect(attributes.permissions <= 0o7777, "\(user)")
        #expect(attributes.uid != .max && attributes.gid != .max, "\(user)")
        #expect(attributes.rdev <= UInt64(UInt32.max), "\(user)")
        for time in [attributes.mtime, attributes.ctime, attributes.atime] {
            #expect((0..<1_000_000_000).contains(time.nanoseconds), "\(user)")
        }
    }

    @Test func everyValueFromTheWireIsOneThatAFileCanHave() {
        var random = SplitMix(seed: 12)
        let defaults = PosixMetadata.Defaults(
            uid: 1, gid: 2, filePermissions: 0o644, directoryPermissions: 0o755)
        for round in 0..<20_000 {
            var user: [String: String] = [:]
            for name in Self.names where random.next() % 3 != 0 { user[name] = text(&random) }
            let isMarker = round % 4 == 0
            let size: UInt64 = round % 3 == 0 ? 0 : 77
            let head = ObjectHead(
                etag: "e", size: size, lastModified: WallTime(seconds: 5),
                metadata: ObjectMetadata(
                    contentType: round % 5 == 0 ? "application/x-directory" : nil, user: user))
            let attributes = PosixMetadata.attributes(
                of: head, isMarker: isMarker, defaults: defaults)
            check(attributes, user)
            // The key decides what is a directory, but for an empty object that says it is one.
            if isMarker { #expect(attributes.kind == .directory) }
            if !isMarker, size > 0 { #expect(attributes.kind != .directory, "\(user)") }
            // What is written is what is read.
            let written = PosixMetadata.merge(attributes, into: ObjectMetadata())
            let again = PosixMetadata.attributes(
                of: ObjectHead(
                    etag: "e", size: size, lastModified: WallTime(seconds: 9), metadata: written),
                isMarker: attributes.kind == .directory, defaults: defaults)
            #expect(again.mode == attributes.mode && again.mtime == attributes.mtime, "\(user)")
            #expect(again.uid == attributes.uid && again.gid == attributes.gid, "\(user)")
        }
    }

    @Test(arguments: ["4294967295", "0xffffffff", "037777777777", "-1", "4294967296"])
    func nobodyOwnsNothing(text: String) {
        #expect(PosixMetadata.identity(text) == nil)
    }

    /// A reproducible source of numbers. Source: Steele, Lea, Flood: "Fast splittable pseudorandom number
    /// generators", 2014.
    private struct SplitMix {
        private var state: UInt64
        init(seed: UInt64) { state = seed }
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }
}
