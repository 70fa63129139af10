package import RGWBase

/// Dates of HTTP and S3 as text, in UTC, without Foundation. Parsers answer nil to anything
/// malformed.
package enum CivilTime {
    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7, the only form servers may send).
    package static func parseHTTP(_ text: String) -> WallTime? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = number(parts[1], 1...31),
            let month = monthNames.firstIndex(where: { $0 == parts[2] }),
            let year = number(parts[3], 1...9999)
        else { return nil }
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        return time(year: year, month: month + 1, day: day, clock: clock, nanoseconds: 0)
    }

    /// `2024-01-31T12:34:56[.fraction]Z`, as S3's XML has it.
    package static func parseISO8601(_ text: String) -> WallTime? {
        guard text.utf8.last == UInt8(ascii: "Z") else { return nil }
        let halves = text.dropLast().split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard date.count == 3, let year = number(date[0], 1...9999),
            let month = number(date[1], 1...12), let day = number(date[2], 1...31)
        else { return nil }
        let clock = halves[1].split(separator: ".", omittingEmptySubsequences: false)
        guard clock.count <= 2 else { return nil }
        guard let nanoseconds = clock.count == 2 ? fraction(clock[1]) : 0 else { return nil }
        return time(
            year: year, month: month, day: day,
            clock: clock[0].split(separator: ":", omittingEmptySubsequences: false),
            nanoseconds: nanoseconds)
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

    private static func time(
        year: Int, month: Int, day: Int, clock: [Substring], nanoseconds: Int64
    ) -> WallTime? {
        guard clock.count == 3, let hour = number(clock[0], 0...23),
            let minute = number(clock[1], 0...59), let second = number(clock[2], 0...60)
        else { return nil }
        let days = Civil.days(year: year, month: month, day: day)
        guard Civil.date(days: days) == (year, month, day) else { return nil }
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
        return WallTime(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// Digits only, at most 4 of them, within `range`.
    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (0x30...0x39) ~= $0 }),
            let value = Int(text), range.contains(value)
        else { return nil }
        return value
    }

    /// Digits after the point, as nanoseconds; digits beyond the ninth are dropped.
    private static func fraction(_ digits: Substring) -> Int64? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39) ~= $0 }) else { return nil }
        let nine = digits.prefix(9)
        guard var value = Int64(nine) else { return nil }
        for _ in nine.utf8.count..<9 { value *= 10 }
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
