/// Disjoint ranges of bytes, in order; neighbours are one.
struct RangeSet: Sendable, Equatable {
    private(set) var ranges: [Range<UInt64>] = []

    init() {}
    init(_ range: Range<UInt64>) { insert(range) }

    var isEmpty: Bool { ranges.isEmpty }

    /// The index of the first range that ends after `offset` (or at it, when neighbours count).
    private func index(endingAfter offset: UInt64, orAt: Bool = false) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            let end = ranges[middle].upperBound
            if end > offset || orAt && end == offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    mutating func insert(_ range: Range<UInt64>) {
        if range.isEmpty { return }
        let first = index(endingAfter: range.lowerBound, orAt: true)
        var last = first
        var merged = range
        while last < ranges.count, ranges[last].lowerBound <= range.upperBound {
            merged =
                min(merged.lowerBound, ranges[last].lowerBound)..<max(
                    merged.upperBound, ranges[last].upperBound)
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: CollectionOfOne(merged))
    }

    mutating func remove(_ range: Range<UInt64>) {
        if range.isEmpty { return }
        let first = index(endingAfter: range.lowerBound)
        var last = first
        var kept: [Range<UInt64>] = []
        while last < ranges.count, ranges[last].lowerBound < range.upperBound {
            let old = ranges[last]
            if old.lowerBound < range.lowerBound { kept.append(old.lowerBound..<range.lowerBound) }
            if old.upperBound > range.upperBound { kept.append(range.upperBound..<old.upperBound) }
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: kept)
    }

    /// What of `range` is in the set.
    func parts(of range: Range<UInt64>) -> [Range<UInt64>] {
        var parts: [Range<UInt64>] = []
        var index = index(endingAfter: range.lowerBound)
        while index < ranges.count, ranges[index].lowerBound < range.upperBound {
            parts.append(ranges[index].clamped(to: range))
            index += 1
        }
        return parts
    }

    func overlaps(_ range: Range<UInt64>) -> Bool {
        let index = index(endingAfter: range.lowerBound)
        return !range.isEmpty && index < ranges.count && ranges[index].lowerBound < range.upperBound
    }

    func covers(_ range: Range<UInt64>) -> Bool {
        if range.isEmpty { return true }
        let index = index(endingAfter: range.lowerBound)
        guard index < ranges.count else { return false }
        return ranges[index].lowerBound <= range.lowerBound
            && ranges[index].upperBound >= range.upperBound
    }
}
