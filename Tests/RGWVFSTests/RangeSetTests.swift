import RGWTestKit
import Testing

@testable import RGWVFS

/// The arithmetic of byte ranges, against a set of single bytes.
@Suite struct RangeSetTests {
    @Test func rangesAreASetOfBytes() {
        var random = ModelRandom(7)
        for _ in 0..<300 {
            var ranges = RangeSet()
            var bytes: Set<UInt64> = []
            for _ in 0..<30 {
                let start = UInt64(random.below(40))
                let range = start..<start + UInt64(random.below(12))
                if random.below(2) == 0 {
                    ranges.insert(range)
                    bytes.formUnion(range)
                } else {
                    ranges.remove(range)
                    bytes.subtract(range)
                }
                #expect(Set(ranges.ranges.flatMap { Array($0) }) == bytes)
                #expect(zip(ranges.ranges, ranges.ranges.dropFirst()).allSatisfy {
                    $0.upperBound < $1.lowerBound
                })
                let asked = UInt64(random.below(40))..<UInt64(40 + random.below(12))
                #expect(
                    Set(ranges.parts(of: asked).flatMap { Array($0) })
                        == bytes.intersection(Set(asked)))
                #expect(ranges.overlaps(asked) == !bytes.isDisjoint(with: asked))
                #expect(ranges.covers(asked) == bytes.isSuperset(of: asked))
            }
        }
    }
}
