import RGWBase

/// Making JSON, and reading values out of it.
extension JSONValue {
    package static func integer(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }

    /// Seconds with three decimals.
    package static func seconds(_ time: Duration) -> JSONValue {
        let milliseconds = max(0, time.inNanoseconds / 1_000_000)
        let fraction = String(milliseconds % 1000)
        let zeros = String(repeating: "0", count: 3 - fraction.utf8.count)
        return .number("\(milliseconds / 1000).\(zeros)\(fraction)")
    }

    package var integer: Int64? {
        if case .number(let digits) = self { return Int64(digits) }
        return nil
    }

    package var count: UInt64? { integer.flatMap { UInt64(exactly: $0) } }

    package var seconds: Duration? {
        guard case .number(let digits) = self, let value = Double(digits), value.isFinite,
            value >= 0, value < 1e9
        else { return nil }
        return .nanoseconds(Int64(value * 1e9))
    }

    package var elements: [JSONValue]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    package var isTrue: Bool { self == .boolean(true) }

    /// On one line, members in the order of their names: the same value always is the same text.
    package var line: String {
        switch self {
        case .object(let members):
            let parts = members.sorted { $0.key < $1.key }
                .map { "\(Self.quoted($0.key)):\($0.value.line)" }
            return "{" + parts.joined(separator: ",") + "}"
        case .array(let elements): return "[" + elements.map(\.line).joined(separator: ",") + "]"
        case .string(let text): return Self.quoted(text)
        case .number(let digits): return digits
        case .boolean(let value): return value ? "true" : "false"
        case .null: return "null"
        }
    }

    /// Source: RFC 8259, section 7. The control characters of ISO 8859 are escaped as well: a terminal obeys them.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C:
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case 0x0A: quoted += "\\n"
            // All of them below U+10000: four digits say them. A terminal does not obey them either.
            case _ where LineText.isUnfit(scalar):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
