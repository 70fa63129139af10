/// One path component: 1 to 255 bytes of UTF-8, no `/`, no NUL, neither `.` nor `..`.
///
/// Compared by bytes: NFC and NFD spellings are different names, as they are different S3 keys.
package struct EntryName: Hashable, Sendable, Comparable, ExpressibleByStringLiteral {
    package let bytes: [UInt8]

    /// Why bytes are not a name; each has its own errno.
    package enum Invalid: Error, Equatable, Sendable {
        case tooLong
        case notUTF8
        case reserved
    }

    /// The longest name, as `statfs` reports it. Source: NAME_MAX, limits.h.
    package static let lengthMax = 255

    package init(_ bytes: [UInt8]) throws(Invalid) {
        guard bytes.count <= Self.lengthMax else { throw .tooLong }
        guard !bytes.isEmpty, bytes != [0x2E], bytes != [0x2E, 0x2E], !bytes.contains(0x2F),
            !bytes.contains(0)
        else { throw .reserved }
        guard bytes.isUTF8 else { throw .notUTF8 }
        self.bytes = bytes
    }

    package init(stringLiteral value: String) {
        do { try self.init(Array(value.utf8)) } catch { preconditionFailure("\(value): \(error)") }
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package func hash(into hasher: inout Hasher) { bytes.hashWords(into: &hasher) }

    package static func < (a: Self, b: Self) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}
