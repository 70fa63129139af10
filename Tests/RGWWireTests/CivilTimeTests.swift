import RGWBase
import RGWWire
import Testing

@Suite struct CivilTimeTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT", "19700101T000000Z"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "19941106T084937Z"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT", "20000229T000000Z"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT", "20240229T235959Z"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT", "21000301T000000Z"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT", "99991231T235959Z"),
    ])
    func datesAreWrittenAndRead(seconds: Int64, http: String, basic: String) {
        let time = WallTime(seconds: seconds)
        #expect(CivilTime.formatHTTP(time) == http)
        #expect(CivilTime.formatBasic(time) == basic)
        #expect(CivilTime.parseHTTP(http) == time)
    }

    @Test func daysOfFourCenturiesRoundTrip() {
        for day in stride(from: Int64(0), to: 146_097, by: 5) {
            let time = WallTime(seconds: day * 86_400 + 45_296)
            #expect(CivilTime.parseHTTP(CivilTime.formatHTTP(time)) == time)
        }
    }

    @Test(arguments: [
        ("2024-02-29T12:34:56.789Z", 1_709_210_096, 789_000_000),
        ("2024-02-29T12:34:56Z", 1_709_210_096, 0),
        ("1970-01-01T00:00:00.000000001Z", 0, 1),
        ("1970-01-01T00:00:00.1234567899Z", 0, 123_456_789),
    ])
    func listingTimesAreRead(text: String, seconds: Int64, nanoseconds: Int64) {
        #expect(
            CivilTime.parseISO8601(text) == WallTime(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        "", "Z", "T", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.xZ",
        "2024-01-01T00:00Z", "-024-01-01T00:00:00Z", "99999999999999999999-01-01T00:00:00Z",
        "2024-01-01T00:00:00.1.2Z", "２０24-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
    ])
    func malformedListingTimesAreRefused(text: String) {
        #expect(CivilTime.parseISO8601(text) == nil)
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 0849:37 GMT",
        "Sun, 6e Nov 1994 1:1:1 GMT",
    ])
    func malformedHTTPDatesAreRefused(text: String) {
        #expect(CivilTime.parseHTTP(text) == nil)
    }

    @Test(arguments: [Int64.min, -1, Int64.max])
    func timesOutOfRangeDoNotTrap(seconds: Int64) {
        #expect(CivilTime.formatBasic(WallTime(seconds: seconds)).utf8.count == 16)
    }
}
