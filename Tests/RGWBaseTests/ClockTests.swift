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

    @Test func theEndsOfTimeSaturate() {
        let now = Instant(nanoseconds: 1_000)
        #expect(Instant.distantPast - now == .nanoseconds(Int64.min))
        #expect(Instant.distantFuture - Instant(nanoseconds: -5) == .nanoseconds(Int64.max))
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(Instant.distantPast + .seconds(-1) == .distantPast)
        #expect(Instant.distantPast + .seconds(3) < now)
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
