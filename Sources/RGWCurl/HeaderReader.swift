package import RGWWire

/// Reads the header block of one answer, line by line as libcurl hands it over; pure.
///
/// An interim answer's fields are forgotten when the next status line comes.
package struct HeaderReader {
    /// What a line was.
    package enum Line: Equatable {
        case statusLine
        case field
        /// The empty line behind the last field.
        case end
        /// Outside of a block: a trailer of a chunked body. Nobody needs them.
        case ignored
        case malformed(String)
    }

    package private(set) var headers = HTTPHeaders()
    /// Status line seen, block not ended.
    package private(set) var isOpen = false
    /// A block ended.
    package private(set) var hasEnded = false

    /// RGW sends 16 KiB of headers at most: what it takes of a request. Every object that is looked at keeps its
    /// metadata in memory, so more than that is refused.
    package static let fieldsMax = 256
    package static let bytesMax = 128 << 10
    private var bytes = 0

    package init() {}

    /// One line with its line end.
    package mutating func read(_ line: Span<UInt8>) -> Line {
        let end = Self.endOfText(line)
        if Self.isStatusLine(line, end) {
            headers.removeAll()
            bytes = 0
            isOpen = true
            hasEnded = false
            return .statusLine
        }
        guard isOpen else { return .ignored }
        if end == 0 {
            isOpen = false
            hasEnded = true
            return .end
        }
        var colon = 0
        while colon < end, Self.isToken(line[colon]) { colon += 1 }
        guard colon > 0, colon < end, line[colon] == UInt8(ascii: ":") else {
            return .malformed("a header line without a name")
        }
        guard headers.count < Self.fieldsMax else {
            return .malformed("more than \(Self.fieldsMax) header fields")
        }
        bytes += end
        guard bytes <= Self.bytesMax else {
            return .malformed("more than \(Self.bytesMax) bytes of header")
        }
        var start = colon + 1
        while start < end, Self.isBlank(line[start]) { start += 1 }
        return append(
            Self.lowercased(line.extracting(0..<colon)), Self.text(line.extracting(start..<end)))
    }

    /// Two different lengths are two different answers (RFC 9112, section 6.3); libcurl takes the
    /// last one, and none where it is too large a number.
    private mutating func append(_ name: String, _ value: String) -> Line {
        if name == "content-length" {
            let digits = value.utf8.allSatisfy { (0x30...0x39) ~= $0 }
            guard digits, Int64(value) != nil else {
                return .malformed("a Content-Length that is no number")
            }
            if let other = headers[name], other != value {
                return .malformed("two different Content-Lengths")
            }
        }
        headers.append(name, value)
        return .field
    }

    // MARK: Bytes

    private static func isStatusLine(_ line: Span<UInt8>, _ end: Int) -> Bool {
        end >= 5 && line[0] == 0x48 && line[1] == 0x54 && line[2] == 0x54 && line[3] == 0x50
            && line[4] == 0x2F
    }

    /// Without line end and trailing blanks.
    private static func endOfText(_ line: Span<UInt8>) -> Int {
        var end = line.count
        while end > 0, isBlank(line[end - 1]) || line[end - 1] == 0x0D || line[end - 1] == 0x0A {
            end -= 1
        }
        return end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// tchar of RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x5E...0x7A, 0x7C, 0x7E: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E: true
        default: false
        }
    }

    /// Of a token, which is ASCII.
    private static func lowercased(_ token: Span<UInt8>) -> String {
        // SAFETY: `token.count` bytes are initialised, in a buffer of that capacity.
        unsafe String(unsafeUninitializedCapacity: token.count) { buffer in
            for index in 0..<token.count {
                let byte = token[index]
                unsafe buffer[index] = (0x41...0x5A) ~= byte ? byte | 0x20 : byte
            }
            return token.count
        }
    }

    /// What is not UTF-8 becomes U+FFFD.
    private static func text(_ bytes: Span<UInt8>) -> String {
        // SAFETY: the buffer is read during the call only.
        unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
