import RGWBase

/// `value` in lower-case hexadecimal, with leading zeros up to `digits`.
func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

/// `20250131T235959Z`, for names of files. Years 0 to 9999; ISO 8601's basic format.
func compactUTC(_ time: WallTime) -> String {
    let day: Int64 = 86_400
    let days = time.seconds / day - (time.seconds % day < 0 ? 1 : 0)
    let second = time.seconds - days * day
    let (year, month, dayOfMonth) = civilDate(days: days)
    func padded(_ value: Int64, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
    return padded(year, 4) + padded(month, 2) + padded(dayOfMonth, 2) + "T"
        + padded(second / 3600, 2) + padded(second / 60 % 60, 2) + padded(second % 60, 2) + "Z"
}

/// The Gregorian date of a day counted from 1970-01-01.
///
/// Counts in years that begin on 1 March, so that the leap day is the last of its year; 400 years
/// have 146,097 days, and 719,468 days lie between 0000-03-01 and 1970-01-01.
private func civilDate(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let leapDays = dayOfEra / 1_460 - dayOfEra / 36_524 + dayOfEra / 146_096
    let yearOfEra = (dayOfEra - leapDays) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Months from March on have 153 days in every five.
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

/// `text` on one line: `%` and control characters as `%XX`.
func escapedLine(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        if byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "%") {
            bytes += Array("%\(hexadecimal(UInt64(byte), digits: 2))".utf8)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Undoes `escapedLine`.
func unescapedLine(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let first = rest.popFirst() {
        if first == UInt8(ascii: "%"), rest.count >= 2,
            let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(first)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
