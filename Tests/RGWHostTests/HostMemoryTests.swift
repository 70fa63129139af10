import Testing

@testable import RGWHost

/// What the process says of its memory and time is what it uses.
@Suite struct HostMemoryTests {
    private static let bytes = 64 << 20

    @Test func memoryThatIsWrittenCountsAndIsGivenBack() {
        let before = (HostMemory.allocated(), HostMemory.anonymous())
        #expect(before.1 > 0)
        // Written to, else the system has not given it.
        var block = [UInt8](repeating: 1, count: Self.bytes)
        #expect(HostMemory.allocated() >= before.0 + UInt64(Self.bytes / 2))
        let used = HostMemory.anonymous()
        #expect(used >= before.1 + UInt64(Self.bytes / 2))
        #expect(block.last == 1)
        block = []
        HostMemory.trim()
        #expect(HostMemory.anonymous() <= used - UInt64(Self.bytes / 2))
    }

    @Test func processorTimeGrowsWithWork() {
        let before = HostMemory.processorTime()
        #expect(before > .zero)
        var sum: UInt64 = 0
        while HostMemory.processorTime() - before < .milliseconds(5) { sum &+= sum &* 31 &+ 7 }
        #expect(HostMemory.processorTime() > before, "\(sum)")
    }
}
