import RGWMount
import Testing

@Suite struct MemoryWatchTests {
    private static let mebibyte: UInt64 = 1 << 20
    private static let pause = Duration.seconds(5)

    /// Looks five seconds apart: MiB in memory, MiB allocated, milliseconds of work since the last one.
    private func looks(_ rows: [(UInt64, UInt64, Int)]) -> [Bool] {
        var watch = MemoryWatch()
        var processor = Duration.zero
        return rows.map { anonymous, allocated, work in
            processor += .milliseconds(work)
            let sample = MemoryWatch.Sample(
                anonymous: anonymous * Self.mebibyte, allocated: allocated * Self.mebibyte,
                processor: processor)
            return watch.look(sample, after: Self.pause)
        }
    }

    @Test func anIdleMountGivesBackWhatItHasFreed() {
        #expect(looks([(600, 10, 5000), (600, 10, 5)]) == [false, true])
    }

    /// Otherwise a mount that has nothing to do would never be idle.
    @Test func whatATrimCannotGiveBackIsNotAskedForAgain() {
        let idle = (UInt64(50), UInt64(10), 1)
        #expect(looks([idle, idle, idle, idle, idle]) == [false, true, false, false, false])
    }

    @Test func anIdleMountThatIsSmallIsLeftAlone() {
        #expect(looks([(20, 10, 0), (20, 10, 0), (20, 10, 0)]) == [false, false, false])
    }

    @Test func aBusyMountKeepsWhatItWillNeed() {
        let busy = (UInt64(130), UInt64(10), 3000)
        #expect(looks([busy, busy, busy, busy]) == [false, false, false, false])
    }

    @Test func aBusyMountGivesBackWhatItHasNotNeededForThreeLooks() {
        let busy = (UInt64(600), UInt64(10), 3000)
        #expect(
            looks([busy, (600, 590, 3000), busy, busy, busy]) == [false, false, false, false, true])
    }

    /// Memory that is allocated when a trim runs and freed later goes back as well.
    @Test func whatIsFreedAfterATrimGoesBackToo() {
        #expect(
            looks([
                (400, 300, 0), (400, 300, 0), (320, 300, 0), (320, 10, 0), (30, 10, 0), (30, 10, 0),
            ])
                == [false, true, false, true, false, false])
    }

    @Test func numbersThatContradictEachOtherDoNoHarm() {
        #expect(
            looks([(0, 100, 0), (0, UInt64.max >> 20, 0), (1, 100, -1)]) == [false, false, false])
    }
}
