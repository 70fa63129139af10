import RGWBase

/// Percent-encoding as s3fs has it in headers: everything but letters, digits and `.-_~/`, upper-case
/// digits. Source: s3fs-fuse, `string_util.cpp`, `urlEncode`.
enum PercentText {
    private static let digits = Array("0123456789ABCDEF".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + bytes.count / 2)
        for byte in bytes {
            if isPlain(byte) {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// How long `encode` makes it, in bytes.
    static func encodedLength(_ bytes: [UInt8]) -> Int {
        bytes.reduce(0) { $0 + (isPlain($1) ? 1 : 3) }
    }

    /// nil when an escape is cut short or not hexadecimal.
    static func decode(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] != UInt8(ascii: "%") {
                plain.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count,
                let byte = HexDigit.byte(bytes[index + 1], bytes[index + 2])
            else { return nil }
            plain.append(byte)
            index += 3
        }
        return plain
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
