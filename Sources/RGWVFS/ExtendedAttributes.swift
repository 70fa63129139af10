/// The extended attributes of one object as s3fs keeps them: one header of user metadata, whose value is a
/// percent-encoded JSON object of base64 texts. Source: s3fs-fuse, `s3fs.cpp`, `build_xattrs`.
///
/// s3fs splits at every comma and colon and does not escape names, so names with such bytes are escaped
/// here: s3fs then shows an odd name, and all the others still.
package struct ExtendedAttributes: Equatable, Sendable {
    /// `x-amz-meta-xattr`, without the prefix.
    package static let header = "xattr"

    private(set) var values: [[UInt8]: [UInt8]] = [:]

    init() {}

    /// nil: the header is not of this form, and must not be written over.
    package init?(header text: String?) {
        guard let text, !text.isEmpty else { return }
        guard let json = PercentText.decode(text) else { return nil }
        var reader = Reader(json)
        guard let values = reader.object() else { return nil }
        self.values = values
    }

    /// nil when there is nothing to keep: s3fs then has no header either.
    var text: String? {
        if values.isEmpty { return nil }
        var json: [UInt8] = [UInt8(ascii: "{")]
        for name in names {
            if json.count > 1 { json.append(UInt8(ascii: ",")) }
            json.append(UInt8(ascii: "\""))
            for byte in name { Self.append(byte, to: &json) }
            json += "\":\"".utf8
            json += Base64Text.encode(values[name] ?? [])
            json.append(UInt8(ascii: "\""))
        }
        json.append(UInt8(ascii: "}"))
        return PercentText.encode(json)
    }

    /// In byte order, as s3fs writes them.
    var names: [[UInt8]] { values.keys.sorted { $0.lexicographicallyPrecedes($1) } }

    package subscript(name: [UInt8]) -> [UInt8]? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// A byte of a name inside a JSON string, so that s3fs's splitting finds nothing in it.
    private static func append(_ byte: UInt8, to json: inout [UInt8]) {
        switch byte {
        case 0..<0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: ","),
            UInt8(ascii: ":"), UInt8(ascii: "{"), UInt8(ascii: "}"):
            let digits = Array("0123456789abcdef".utf8)
            json += "\\u00".utf8
            json += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        default: json.append(byte)
        }
    }
}

extension ExtendedAttributes {
    /// Reads the one shape of JSON that these headers have.
    private struct Reader {
        private let bytes: [UInt8]
        private var index = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func object() -> [[UInt8]: [UInt8]]? {
            guard take(UInt8(ascii: "{")) else { return nil }
            var values: [[UInt8]: [UInt8]] = [:]
            if take(UInt8(ascii: "}")) { return isAtEnd ? values : nil }
            while true {
                guard let name = string(), take(UInt8(ascii: ":")), let text = string(),
                    let value = Base64Text.decode(text)
                else { return nil }
                values[name] = value
                if take(UInt8(ascii: ",")) { continue }
                return take(UInt8(ascii: "}")) && isAtEnd ? values : nil
            }
        }

        private var isAtEnd: Bool { bytes[index...].allSatisfy { $0 == 0x20 } }

        private mutating func take(_ byte: UInt8) -> Bool {
            while index < bytes.count, bytes[index] == 0x20 { index += 1 }
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        private mutating func string() -> [UInt8]? {
            guard take(UInt8(ascii: "\"")) else { return nil }
            var text: [UInt8] = []
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                if byte == UInt8(ascii: "\"") { return text }
                if byte == UInt8(ascii: "\\"), let escaped = escape() {
                    text.append(escaped)
                } else {
                    text.append(byte)
                }
            }
            return nil
        }

        /// What follows a backslash; nil leaves it a backslash, which s3fs writes as it is.
        private mutating func escape() -> UInt8? {
            guard index < bytes.count else { return nil }
            switch bytes[index] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
                index += 1
                return bytes[index - 1]
            case UInt8(ascii: "u"):
                guard index + 5 <= bytes.count,
                    let code = UInt8(
                        String(decoding: bytes[(index + 1)..<(index + 5)], as: UTF8.self), radix: 16
                    )
                else { return nil }
                index += 5
                return code
            default: return nil
            }
        }
    }
}
