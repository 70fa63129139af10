import CRGWHost
package import RGWBase

/// The machine's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME. Source: clock_gettime(2).
package struct HostClock: Clock {
    package init() {}
    package func now() -> Instant { Instant(nanoseconds: CRGWHost_monotonic_nanoseconds()) }
    package func wallTime() -> WallTime {
        let time = CRGWHost_wall_time()
        return WallTime(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }
}
