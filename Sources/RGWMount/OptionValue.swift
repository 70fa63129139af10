import RGWBase

/// Reads option values; each returns nil for text that is not one.
package enum OptionValue {
    /// Bytes with an optional suffix K, M, G, T or P (powers of 1024; `KiB`, `kb` and the like
    /// too).
    package static func bytes(_ text: String) -> UInt64? {
        let (digits, unit) = numberAndUnit(text)
        guard let number = UInt64(digits) else { return nil }
        let suffix = unit.lowercased()
        let shifts: [(String, UInt64)] = [("k", 10), ("m", 20), ("g", 30), ("t", 40), ("p", 50)]
        if suffix.isEmpty || suffix == "b" { return number }
        guard
            let shift = shifts.first(where: {
                suffix == $0.0 || suffix == $0.0 + "b" || suffix == $0.0 + "ib"
            })?.1
        else { return nil }
        let (scaled, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : scaled
    }

    /// `300ms`, `1s`, `1.5s`, `5m`, `2h`, `1d`; a bare number counts `bareUnit`.
    package static func duration(_ text: String, bareUnit: Duration) -> Duration? {
        let (digits, unit) = numberAndUnit(text, decimals: true)
        let nanosecondsPerUnit: Int64
        switch unit {
        case "": nanosecondsPerUnit = bareUnit.inNanoseconds
        case "ms": nanosecondsPerUnit = 1_000_000
        case "s": nanosecondsPerUnit = 1_000_000_000
        case "m", "min": nanosecondsPerUnit = 60_000_000_000
        case "h": nanosecondsPerUnit = 3_600_000_000_000
        case "d": nanosecondsPerUnit = 86_400_000_000_000
        default: return nil
        }
        // Ten years: above it a number is a mistake, and sums with instants cannot overflow.
        let most = 315_360_000.0 * 1e9
        guard digits.utf8.first.map(ByteText.isDigit) == true, let number = Double(digits),
            number * Double(nanosecondsPerUnit) <= most
        else { return nil }
        return .nanoseconds(Int64((number * Double(nanosecondsPerUnit)).rounded()))
    }

    /// Three or four octal digits, `0o777` at most.
    package static func mask(_ text: String) -> UInt32? {
        guard (1...4).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
            let mask = UInt32(text, radix: 8), mask <= 0o777
        else { return nil }
        return mask
    }

    /// `1 yes true on`, `0 no false off`.
    package static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "1", "yes", "true", "on": true
        case "0", "no", "false", "off": false
        default: nil
        }
    }

    /// The shortest text that `bytes` reads back as the same number.
    package static func text(bytes: UInt64) -> String {
        for (suffix, shift) in [("T", 40), ("G", 30), ("M", 20), ("K", 10)]
        where bytes >= 1 << UInt64(shift) && bytes % (1 << UInt64(shift)) == 0 {
            return "\(bytes >> UInt64(shift))\(suffix)"
        }
        return "\(bytes)"
    }

    /// The text that `duration` reads back as the same time.
    package static func text(duration: Duration) -> String {
        let nanoseconds = duration.inNanoseconds
        if nanoseconds % 1_000_000_000 == 0 { return "\(nanoseconds / 1_000_000_000)s" }
        return "\(nanoseconds / 1_000_000)ms"
    }

    private static func numberAndUnit(
        _ text: String, decimals: Bool = false
    ) -> (number: String, unit: String) {
        let bytes = Array(text.utf8)
        let end = bytes.firstIndex { !(ByteText.isDigit($0) || (decimals && $0 == 0x2E)) }
        let split = end ?? bytes.count
        return (
            String(decoding: bytes[..<split], as: UTF8.self),
            String(decoding: bytes[split...], as: UTF8.self)
        )
    }
}
