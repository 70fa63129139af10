/// Small parsing helpers over UTF-8, so that no module needs Foundation for them.
enum ByteText {
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    /// Without blanks, tabs and carriage returns at both ends.
    static func trimmed(_ text: some StringProtocol) -> String {
        var bytes = Array(text.utf8)[...]
        while let first = bytes.first, isBlank(first) { bytes = bytes.dropFirst() }
        while let last = bytes.last, isBlank(last) { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Without the byte order mark that some editors put in front of a text: it cannot be seen, and would become a
    /// part of the first word.
    static func withoutMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    }

    /// Lines with their numbers, from 1; the line ends are `\n` or `\r\n`.
    static func lines(_ bytes: [UInt8]) -> [(number: Int, text: String)] {
        var result: [(number: Int, text: String)] = []
        let parts = withoutMark(bytes).split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            var line = part
            if line.last == 0x0D { line = line.dropLast() }
            result.append((index + 1, String(decoding: line, as: UTF8.self)))
        }
        return result
    }

    /// `name=value` apart; nil value when there is no `=`.
    static func assignment(_ text: String) -> (name: String, value: String?) {
        guard let sign = text.utf8.firstIndex(of: 0x3D) else { return (text, nil) }
        return (String(text[..<sign]), String(text[text.utf8.index(after: sign)...]))
    }

    /// Printable ASCII without blanks, which is what keys consist of.
    static func isVisible(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
