/// Text from outside as it may stand in a line: of a log, a status, an error.
package enum LineText {
    /// The text with control characters and separators as `\\x1b`, cut to about `max` characters.
    package static func escaped(_ text: String, max: Int) -> String {
        // Nearly all texts: no copy.
        if text.utf8.count <= max, text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) { return text }
        var shown = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == max { return shown + "..." }
            let value = scalar.value
            let isControl = value < 0x20 || (0x7F...0x9F).contains(value)
            // Separators, and marks that turn the direction of what follows. Source: UAX #9.
            let isOdd =
                [0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0xFEFF].contains(value)
                || (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
            if isControl || isOdd {
                let digits = String(value, radix: 16)
                shown += value <= 0xFF ? "\\x" + (value < 16 ? "0" : "") + digits : "\\u{\(digits)}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
