import RGWBase

/// Text from outside as it may stand in a one-line message.
package enum Shown {
    /// Longer texts end in `...`; a path or URL of sane length stays whole.
    static let lengthMax = 300

    /// The text without control characters and without more than `lengthMax` characters.
    package static func text(_ text: String) -> String {
        var shown = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == lengthMax { return shown + "..." }
            shown.unicodeScalars.append(LineText.isUnfit(scalar) ? "?" : scalar)
        }
        return shown
    }

    /// An option's name in quotes; what does not look like one is not shown, because it may be a
    /// key that was typed in the wrong place.
    static func optionName(_ name: String) -> String {
        let isWord = name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || $0 == 0x5F || $0 == 0x2D || $0 == 0x2E
        }
        let isShort = !name.isEmpty && name.utf8.count <= 24
        return isWord && isShort ? "'\(name)'" : "'...' (not a word)"
    }

    /// A file's path. `access:secret` typed where a path belongs is not shown.
    static func path(_ path: String) -> String {
        if !path.utf8.contains(0x2F), path.utf8.contains(0x3A) { return "'...' (not a path)" }
        return text(path)
    }
}
