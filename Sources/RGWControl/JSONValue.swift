/// A JSON document (RFC 8259).
package enum JSONValue: Equatable, Sendable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    /// The digits as they stand there.
    case number(String)
    case boolean(Bool)
    case null

    /// Where a document stops being JSON; no part of the text is kept, because it may be a secret.
    package struct Malformed: Error, Equatable {
        package var line: Int
    }

    package subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { return members[name] }
        return nil
    }

    package var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// Nesting is bounded, so a hostile file cannot exhaust the stack.
    package init(parsing bytes: [UInt8]) throws(Malformed) {
        var reader = JSONReader(bytes: bytes)
        self = try reader.document()
    }
}

/// Recursive descent over bytes; `position` is the next unread one.
private struct JSONReader {
    static let depthMax = 32

    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var malformed: JSONValue.Malformed {
        let read = bytes.prefix(min(position, bytes.count))
        return JSONValue.Malformed(line: 1 + read.count(where: { $0 == 0x0A }))
    }

    mutating func document() throws(JSONValue.Malformed) -> JSONValue {
        let value = try value(depth: 0)
        skipBlanks()
        guard position == bytes.count else { throw malformed }
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(JSONValue.Malformed) {
        guard take(byte) else { throw malformed }
    }

    private mutating func value(depth: Int) throws(JSONValue.Malformed) -> JSONValue {
        guard depth < Self.depthMax else { throw malformed }
        skipBlanks()
        switch peek {
        case 0x7B: return .object(try object(depth: depth))
        case 0x5B: return .array(try array(depth: depth))
        case 0x22: return .string(try string())
        case 0x74: return try word("true", .boolean(true))
        case 0x66: return try word("false", .boolean(false))
        case 0x6E: return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(
        _ word: String, _ value: JSONValue
    ) throws(JSONValue.Malformed) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw malformed }
        position += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONValue.Malformed) -> String {
        let start = position
        while let byte = peek,
            (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte)
        {
            position += 1
        }
        guard position > start else { throw malformed }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func object(depth: Int) throws(JSONValue.Malformed) -> [String: JSONValue] {
        try expect(0x7B)
        var members: [String: JSONValue] = [:]
        if take(0x7D) { return members }
        repeat {
            skipBlanks()
            let name = try string()
            try expect(0x3A)
            members[name] = try value(depth: depth + 1)
        } while take(0x2C)
        try expect(0x7D)
        return members
    }

    private mutating func array(depth: Int) throws(JSONValue.Malformed) -> [JSONValue] {
        try expect(0x5B)
        var elements: [JSONValue] = []
        if take(0x5D) { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(0x2C)
        try expect(0x5D)
        return elements
    }

    private mutating func string() throws(JSONValue.Malformed) -> String {
        guard peek == 0x22 else { throw malformed }
        position += 1
        var result: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case 0x22:
                guard let text = String(validating: result, as: UTF8.self) else { throw malformed }
                return text
            case 0x5C: try escape(into: &result)
            case 0..<0x20: throw malformed
            default: result.append(byte)
            }
        }
        throw malformed
    }

    private mutating func escape(into result: inout [UInt8]) throws(JSONValue.Malformed) {
        guard let byte = peek else { throw malformed }
        position += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: result.append(byte)
        case 0x62: result.append(0x08)
        case 0x66: result.append(0x0C)
        case 0x6E: result.append(0x0A)
        case 0x72: result.append(0x0D)
        case 0x74: result.append(0x09)
        case 0x75:
            var unit = try hexadecimal()
            if (0xD800..<0xDC00).contains(unit) {
                guard bytes[position...].starts(with: [0x5C, 0x75]) else { throw malformed }
                position += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw malformed }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw malformed }
            result.append(contentsOf: String(Character(scalar)).utf8)
        default: throw malformed
        }
    }

    private mutating func hexadecimal() throws(JSONValue.Malformed) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == 4, text.utf8.first != 0x2B, let value = UInt32(text, radix: 16) else {
            throw malformed
        }
        position += 4
        return value
    }
}
