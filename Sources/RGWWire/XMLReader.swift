/// Why bytes are not the XML that S3 sends.
package struct XMLError: Error, Equatable, Sendable {
    package let reason: String
    /// Where reading stopped.
    package let offset: Int
}

/// A bounded pull reader for the XML of S3: elements, text, references, CDATA; attributes, comments
/// and the declaration are passed over, a document type declaration is refused.
///
/// The caller walks the tree: `nextChild()` enters the next child of the current element or leaves
/// the element; an entered child is ended by `text()`, `skip()` or by walking all its children.
/// Depth is bounded; work and memory are linear in the input. Malformed input throws, never traps.
package struct XMLReader {
    /// S3's answers are at most five deep.
    package static let depthMax = 16

    private let bytes: [UInt8]
    private var offset = 0
    /// Names of the open elements, as ranges of `bytes`.
    private var open: [Range<Int>] = []
    /// The last tag was `<name/>`: its end is still to be reported.
    private var endsEmpty = false

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Enters the root element and returns its name.
    package mutating func root() throws(XMLError) -> String {
        try skipMisc()
        guard let name = try enterTag() else { throw error("no root element") }
        return name
    }

    /// Enters the next child of the current element, or leaves that element and returns nil.
    package mutating func nextChild() throws(XMLError) -> String? {
        while true {
            if endsEmpty {
                endsEmpty = false
                open.removeLast()
                return nil
            }
            while offset < bytes.count, bytes[offset] != Self.less { offset += 1 }
            guard offset < bytes.count else { throw error("element not closed") }
            if try skipMarkup() { continue }
            if let name = try enterTag() { return name }
            return nil
        }
    }

    /// The text of the current element, which ends with it. Child elements are an error.
    package mutating func text() throws(XMLError) -> [UInt8] {
        var text: [UInt8] = []
        while true {
            if endsEmpty {
                endsEmpty = false
                open.removeLast()
                return text
            }
            guard offset < bytes.count else { throw error("element not closed") }
            let byte = bytes[offset]
            if byte == UInt8(ascii: "&") {
                try appendReference(to: &text)
            } else if byte != Self.less {
                text.append(byte)
                offset += 1
            } else if starts(with: Self.cdataStart) {
                try appendCDATA(to: &text)
            } else if try !skipMarkup() {
                guard try enterTag() == nil else { throw error("element instead of text") }
                return text
            }
        }
    }

    /// `text()` as a string; bytes that are not UTF-8 are an error.
    package mutating func string() throws(XMLError) -> String {
        let bytes = try text()
        guard let text = String(validating: bytes, as: UTF8.self) else { throw error("not UTF-8") }
        return text
    }

    /// Passes over the rest of the current element.
    package mutating func skip() throws(XMLError) {
        let depth = open.count - 1
        while open.count > depth { _ = try nextChild() }
    }

    /// After the root has ended only blanks and comments may follow.
    package mutating func finish() throws(XMLError) {
        guard open.isEmpty else { throw error("root element not closed") }
        try skipMisc()
        guard offset == bytes.count else { throw error("content after the root element") }
    }

    // MARK: Tags

    private static let less = UInt8(ascii: "<")
    private static let greater = UInt8(ascii: ">")
    private static let slash = UInt8(ascii: "/")
    private static let colon = UInt8(ascii: ":")
    private static let cdataStart = Array("<![CDATA[".utf8)
    private static let cdataEnd = Array("]]>".utf8)
    private static let commentStart = Array("<!--".utf8)
    private static let commentEnd = Array("-->".utf8)
    private static let instructionStart = Array("<?".utf8)
    private static let instructionEnd = Array("?>".utf8)

    /// At `<`: enters a start tag and returns its name without prefix, or takes the end tag of the
    /// current element and returns nil.
    private mutating func enterTag() throws(XMLError) -> String? {
        guard offset < bytes.count, bytes[offset] == Self.less else { throw error("no tag") }
        offset += 1
        if offset < bytes.count, bytes[offset] == Self.slash {
            offset += 1
            try leaveTag()
            return nil
        }
        guard open.count < Self.depthMax else { throw error("too deep") }
        let name = try readName()
        open.append(name)
        try skipAttributes()
        return try localName(name)
    }

    private mutating func leaveTag() throws(XMLError) {
        let name = try readName()
        guard let expected = open.popLast(), bytes[expected] == bytes[name] else {
            throw error("end tag does not match")
        }
        skipBlanks()
        guard offset < bytes.count, bytes[offset] == Self.greater else {
            throw error("end tag not closed")
        }
        offset += 1
    }

    private mutating func readName() throws(XMLError) -> Range<Int> {
        let start = offset
        while offset < bytes.count, Self.isNameByte(bytes[offset]) { offset += 1 }
        guard offset > start else { throw error("no name") }
        return start..<offset
    }

    /// Behind a tag's name: passes over attributes to `>` or `/>`.
    private mutating func skipAttributes() throws(XMLError) {
        var quote: UInt8?
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == Self.greater {
                endsEmpty = bytes[offset - 2] == Self.slash
                return
            } else if byte == Self.less {
                break
            }
        }
        throw error("tag not closed")
    }

    /// The name without its prefix; as in Namespaces in XML, there is one at most and no part is
    /// empty.
    private func localName(_ name: Range<Int>) throws(XMLError) -> String {
        guard let colon = bytes[name].firstIndex(of: Self.colon) else {
            return String(decoding: bytes[name], as: UTF8.self)
        }
        let local = bytes[(colon + 1)..<name.upperBound]
        guard colon > name.lowerBound, !local.isEmpty, !local.contains(Self.colon) else {
            throw error("name")
        }
        return String(decoding: local, as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), colon: true
        default: false
        }
    }

    // MARK: What is between tags

    /// At `<`: passes over one comment, instruction or CDATA section; false when it is a tag.
    private mutating func skipMarkup() throws(XMLError) -> Bool {
        if starts(with: Self.commentStart) {
            offset += Self.commentStart.count
            try skip(behind: Self.commentEnd)
        } else if starts(with: Self.instructionStart) {
            try skip(behind: Self.instructionEnd)
        } else if starts(with: Self.cdataStart) {
            try skip(behind: Self.cdataEnd)
        } else if offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "!") {
            throw error("declaration")
        } else {
            return false
        }
        return true
    }

    /// Blanks, comments and instructions outside the root.
    private mutating func skipMisc() throws(XMLError) {
        if starts(with: [0xEF, 0xBB, 0xBF]) { offset += 3 }
        while true {
            skipBlanks()
            guard offset < bytes.count, bytes[offset] == Self.less else { return }
            guard !starts(with: Self.cdataStart) else { throw error("CDATA outside the root") }
            guard try skipMarkup() else { return }
        }
    }

    private mutating func skipBlanks() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    private func starts(with prefix: [UInt8]) -> Bool { bytes[offset...].starts(with: prefix) }

    private mutating func skip(behind end: [UInt8]) throws(XMLError) {
        while offset < bytes.count {
            if starts(with: end) {
                offset += end.count
                return
            }
            offset += 1
        }
        throw error("section not closed")
    }

    private mutating func appendCDATA(to text: inout [UInt8]) throws(XMLError) {
        let start = offset + Self.cdataStart.count
        try skip(behind: Self.cdataEnd)
        text.append(contentsOf: bytes[start..<(offset - Self.cdataEnd.count)])
    }

    /// At `&`: the five named references and numeric ones. RGW sends `&#x01;` and the like, which
    /// XML 1.0 forbids; only NUL and what is no Unicode scalar is refused.
    private mutating func appendReference(to text: inout [UInt8]) throws(XMLError) {
        let start = offset + 1
        let limit = min(bytes.count, start + 12)
        guard let end = bytes[start..<limit].firstIndex(of: UInt8(ascii: ";")) else {
            throw error("reference not closed")
        }
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        offset = end + 1
        switch name {
        case "amp": text.append(UInt8(ascii: "&"))
        case "lt": text.append(Self.less)
        case "gt": text.append(Self.greater)
        case "quot": text.append(UInt8(ascii: "\""))
        case "apos": text.append(UInt8(ascii: "'"))
        default:
            guard let scalar = Self.scalar(ofReference: name) else { throw error("reference") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        }
    }

    private static func scalar(ofReference name: String) -> Unicode.Scalar? {
        let value: UInt32?
        if name.hasPrefix("#x") || name.hasPrefix("#X") {
            value = UInt32(name.dropFirst(2), radix: 16)
        } else if name.hasPrefix("#") {
            value = UInt32(name.dropFirst(1))
        } else {
            value = nil
        }
        guard let value, value != 0 else { return nil }
        return Unicode.Scalar(value)
    }

    private func error(_ reason: String) -> XMLError { XMLError(reason: reason, offset: offset) }
}
