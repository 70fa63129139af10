/// A point on the monotonic clock; only differences mean anything.
package struct Instant: Hashable, Sendable, Comparable {
    package let nanoseconds: Int64
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
    /// Saturates: something unbelievably long after the distant past is still the past.
    package static func + (a: Self, b: Duration) -> Instant {
        let step = b.inNanoseconds
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(step)
        return Instant(nanoseconds: overflow ? (step < 0 ? .min : .max) : sum)
    }
    package static func - (a: Self, b: Self) -> Duration {
        let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return .nanoseconds(overflow ? (a < b ? .min : .max) : difference)
    }
    package static let distantFuture = Instant(nanoseconds: .max)
    package static let distantPast = Instant(nanoseconds: .min)
}

extension Duration {
    /// Whole nanoseconds; saturates at ±292 years.
    package var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        if carry { return seconds < 0 ? .min : .max }
        return sum
    }
    package var inSeconds: Double { Double(inNanoseconds) / 1e9 }
}

/// Time as the core sees it; the adapters read the machine's clocks, tests move it by hand.
package protocol Clock: Sendable {
    /// Monotonic.
    func now() -> Instant
    /// Wall clock.
    func wallTime() -> WallTime
}

/// Randomness as the core sees it (back-off jitter, identifiers); tests seed it.
package protocol Entropy: Sendable {
    /// Uniform over all 64-bit values.
    func next() -> UInt64
}

/// Runs work off the caller's thread. `submit` never blocks; jobs may run in parallel and in any order.
package protocol WorkQueue: Sendable {
    func submit(_ job: @escaping @Sendable () -> Void)
}

/// Calls back once, no earlier than asked, on a thread that must not block for long.
package protocol Timer: Sendable {
    func schedule(at deadline: Instant, _ job: @escaping @Sendable () -> Void)
}
