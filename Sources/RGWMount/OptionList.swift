/// Takes the text after `-o` apart.
enum OptionList {
    /// One `name` or `name=value`.
    struct Item: Equatable {
        var name: String
        var value: String?
    }

    /// Splits at commas. A comma inside double quotes or after a backslash belongs to the value;
    /// empty items are skipped. Source: mount(8), "-o" (quotes), and libfuse's fuse_opt.c
    /// (backslash).
    static func items(_ text: String) -> [Item] {
        var items: [Item] = []
        var current: [UInt8] = []
        var isQuoted = false
        var isEscaped = false
        func finish() {
            if !current.isEmpty {
                let (name, value) = ByteText.assignment(String(decoding: current, as: UTF8.self))
                items.append(Item(name: name, value: value))
            }
            current = []
        }
        for byte in text.utf8 {
            if isEscaped {
                current.append(byte)
                isEscaped = false
            } else if byte == 0x5C {
                isEscaped = true
            } else if byte == 0x22 {
                isQuoted.toggle()
            } else if byte == 0x2C, !isQuoted {
                finish()
            } else {
                current.append(byte)
            }
        }
        finish()
        return items
    }
}
