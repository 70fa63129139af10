import RGWBase
import Testing

@testable import RGWHost

@Suite struct HostTextTests {
    @Test(
        arguments: [
            (0, "19700101T000000Z"), (-1, "19691231T235959Z"), (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"), (951_868_800, "20000301T000000Z"),
            (1_709_251_199, "20240229T235959Z"), (4_107_542_400, "21000301T000000Z"),
            (4_107_542_399, "21000228T235959Z"), (1_735_689_599, "20241231T235959Z"),
        ] as [(Int64, String)])
    func timeIsTheGregorianUTC(seconds: Int64, text: String) {
        #expect(compactUTC(WallTime(seconds: seconds, nanoseconds: 5)) == text)
    }

    @Test func hexadecimalIsPadded() {
        #expect(hexadecimal(0, digits: 2) == "00")
        #expect(hexadecimal(0xABC, digits: 4) == "0abc")
        #expect(hexadecimal(.max, digits: 16) == "ffffffffffffffff")
    }

    @Test(arguments: ["", "plain", "100%", "a\nb\tc", "%0a", "ü ☃", "\u{7F}"])
    func lineEscapesComeBack(text: String) {
        let line = escapedLine(text)
        #expect(!line.contains("\n"))
        #expect(unescapedLine(line[...]) == text)
    }
}
