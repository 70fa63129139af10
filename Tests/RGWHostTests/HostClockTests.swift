import RGWBase
import Testing

@testable import RGWHost

@Suite struct HostClockTests {
    @Test func clocksGoForward() {
        let clock = HostClock()
        var last = clock.now()
        for _ in 0..<1_000 {
            let now = clock.now()
            #expect(now >= last)
            last = now
        }
        #expect(clock.wallTime() > WallTime(seconds: 1_700_000_000))
        #expect((0..<1_000_000_000).contains(clock.wallTime().nanoseconds))
    }

    @Test func entropyUsesAllBits() {
        var ones: UInt64 = 0
        var zeros: UInt64 = 0
        var seen = Set<UInt64>()
        for _ in 0..<200 {
            let value = HostEntropy().next()
            ones |= value
            zeros |= ~value
            seen.insert(value)
        }
        #expect(ones == .max)
        #expect(zeros == .max)
        #expect(seen.count == 200)
    }
}
