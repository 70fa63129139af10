import RGWBase

/// Percent-encoding as both signatures of S3 demand it: unreserved `A-Za-z0-9-._~`, hexadecimal
/// digits in upper case, a blank as `%20`. RGW decodes a version 4 path and encodes it again by
/// these rules before it compares signatures, so one strict encoding serves the wire and both
/// signatures.
package enum URIEncoding {
    /// For a path: `/` stays. A tenant's `:` becomes `%3A` (a literal one fails under version 4).
    package static func encodePath(_ bytes: some Sequence<UInt8>) -> String {
        encode(bytes, keepingSlash: true)
    }

    /// For names and values of a query: `/` is encoded as well.
    package static func encodeQuery(_ text: String) -> String {
        encode(text.utf8, keepingSlash: false)
    }

    /// Undoes percent-encoding; `+` stays itself. Nil when an escape is cut short or not
    /// hexadecimal.
    package static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.contains(percent) else { return bytes }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == percent else {
                decoded.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count,
                let byte = HexDigit.byte(bytes[index + 1], bytes[index + 2])
            else { return nil }
            decoded.append(byte)
            index += 3
        }
        return decoded
    }

    private static let percent = UInt8(ascii: "%")
    private static let upperDigits = Array("0123456789ABCDEF".utf8)

    private static func encode(_ bytes: some Sequence<UInt8>, keepingSlash: Bool) -> String {
        var encoded: [UInt8] = []
        for byte in bytes {
            if isUnreserved(byte) || (keepingSlash && byte == UInt8(ascii: "/")) {
                encoded.append(byte)
            } else {
                encoded.append(percent)
                encoded.append(upperDigits[Int(byte >> 4)])
                encoded.append(upperDigits[Int(byte & 0xF)])
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
