/// Text from outside as it may stand in a line: of a log, a status, an error.
package enum LineText {
    /// The text with control characters and separators as `\\x1b`, cut to about `max` characters.
    package static func escaped(_ text: String, max: Int) -> String {
        // Nearly all texts: no copy.
        if text.utf8.count <= max, text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) { return text }
        var shown = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == max { return shown + "..." }
            if isUnfit(scalar) {
                let value = scalar.value
                let digits = String(value, radix: 16)
                shown += value <= 0xFF ? "\\x" + (value < 16 ? "0" : "") + digits : "\\u{\(digits)}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// A control character, a separator, or a mark that turns the direction of what follows. Source: UAX #9.
    package static func isUnfit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0xFEFF, 0x202A...0x202E,
            0x2066...0x2069:
            true
        default: false
        }
    }
}
