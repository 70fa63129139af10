import RGWBase
import Testing

@Suite struct ClockTests {
    @Test(arguments: [
        (Duration.milliseconds(300), 300_000_000 as Int64), (.seconds(-2), -2_000_000_000),
        (.nanoseconds(7), 7), (.seconds(Int64.max), Int64.max), (.seconds(Int64.min), Int64.min),
    ])
    func durationsBecomeNanosecondsAndSaturate(duration: Duration, expected: Int64) {
        #expect(duration.inNanoseconds == expected)
    }

    @Test func instantsAddAndSubtract() {
        let start = Instant(nanoseconds: 5)
        #expect(start + .nanoseconds(7) == Instant(nanoseconds: 12))
        #expect(Instant(nanoseconds: 12) - start == .nanoseconds(7))
    }

    @Test func aSecretShowsNothing() {
        let secret = Secret("hunter2")
        #expect("\(secret)" == "•")
        #expect(String(reflecting: secret) == "•")
        var text = ""
        dump(secret, to: &text)
        #expect(!text.contains("hunter2"))
    }
}
