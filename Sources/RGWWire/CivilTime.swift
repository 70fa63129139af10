package import RGWBase

/// Dates of HTTP and S3 as text, in UTC, without Foundation. Parsers answer nil to anything
/// malformed.
package enum CivilTime {
    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7, the only form servers may send).
    package static func parseHTTP(_ text: String) -> WallTime? {
        let utf8 = text.utf8Span
        let bytes = utf8.span
        guard bytes.count == 29, bytes[3] == 0x2C, bytes[4] == 0x20, bytes[7] == 0x20,
            bytes[11] == 0x20, bytes[16] == 0x20, bytes[25] == 0x20, bytes[26] == 0x47,
            bytes[27] == 0x4D, bytes[28] == 0x54,
            let month = monthBytes.firstIndex(where: { name in
                name.0 == bytes[8] && name.1 == bytes[9] && name.2 == bytes[10]
            })
        else { return nil }
        return time(bytes, year: 12, month: month + 1, day: 5, clock: 17, nanoseconds: 0)
    }

    /// `2024-01-31T12:34:56[.fraction]Z`, as S3's XML has it.
    package static func parseISO8601(_ text: String) -> WallTime? {
        let utf8 = text.utf8Span
        let bytes = utf8.span
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] == 0x54,
            bytes[bytes.count - 1] == 0x5A, let month = number(bytes, 5..<7)
        else { return nil }
        var nanoseconds: Int64 = 0
        if bytes.count > 20 {
            guard bytes[19] == 0x2E, let fraction = fraction(bytes, 20..<(bytes.count - 1))
            else { return nil }
            nanoseconds = fraction
        }
        return time(bytes, year: 0, month: month, day: 8, clock: 11, nanoseconds: nanoseconds)
    }

    /// `20240131T123456Z`: x-amz-date of signature version 4. Its first 8 bytes are the date alone.
    package static func formatBasic(_ time: WallTime) -> String {
        let civil = Civil(time)
        return pad(civil.year, 4) + pad(civil.month, 2) + pad(civil.day, 2) + "T"
            + pad(civil.hour, 2) + pad(civil.minute, 2) + pad(civil.second, 2) + "Z"
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    package static func formatHTTP(_ time: WallTime) -> String {
        let civil = Civil(time)
        let date = "\(pad(civil.day, 2)) \(monthNames[civil.month - 1]) \(pad(civil.year, 4))"
        let clock = "\(pad(civil.hour, 2)):\(pad(civil.minute, 2)):\(pad(civil.second, 2))"
        return "\(dayNames[civil.weekday]), \(date) \(clock) GMT"
    }

    private static let monthNames = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

    private static let monthBytes: [(UInt8, UInt8, UInt8)] = monthNames.map { name in
        let bytes = Array(name.utf8)
        return (bytes[0], bytes[1], bytes[2])
    }

    /// `year`, `day` and `clock` (`12:34:56`) are where they begin.
    private static func time(
        _ bytes: Span<UInt8>, year: Int, month: Int, day: Int, clock: Int, nanoseconds: Int64
    ) -> WallTime? {
        guard bytes[clock + 2] == 0x3A, bytes[clock + 5] == 0x3A,
            let year = number(bytes, year..<(year + 4)), year > 0,
            let day = number(bytes, day..<(day + 2)),
            let hour = number(bytes, clock..<(clock + 2)), hour < 24,
            let minute = number(bytes, (clock + 3)..<(clock + 5)), minute < 60,
            let second = number(bytes, (clock + 6)..<(clock + 8)), second <= 60
        else { return nil }
        let days = Civil.days(year: year, month: month, day: day)
        guard Civil.date(days: days) == (year, month, day) else { return nil }
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
        return WallTime(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// A few digits, nothing else.
    private static func number(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var value = 0
        for index in range {
            guard (0x30...0x39) ~= bytes[index] else { return nil }
            value = value * 10 + Int(bytes[index] - 0x30)
        }
        return value
    }

    /// Digits after the point, as nanoseconds; digits beyond the ninth are dropped.
    private static func fraction(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
        guard !range.isEmpty else { return nil }
        var value: Int64 = 0
        var unit: Int64 = 100_000_000
        for index in range {
            guard (0x30...0x39) ~= bytes[index] else { return nil }
            value += Int64(bytes[index] - 0x30) * unit
            unit /= 10
        }
        return value
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

/// A date and time of day of the Gregorian calendar in UTC, years 1970 to 9999 (others are
/// clamped).
private struct Civil {
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    /// 0 is Sunday.
    let weekday: Int

    init(_ time: WallTime) {
        let seconds = min(max(time.seconds, 0), 253_402_300_799)
        let days = seconds / 86_400
        let rest = Int(seconds % 86_400)
        (year, month, day) = Self.date(days: days)
        hour = rest / 3_600
        minute = rest / 60 % 60
        second = rest % 60
        weekday = Int((days + 4) % 7)
    }

    /// Days since 1970-01-01 of a date; counts from 1 March so that leap days come last in a year.
    static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    /// The inverse of `days(year:month:day:)` for years from 1.
    static func date(days: Int64) -> (Int, Int, Int) {
        let shifted = Int(days) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
