/// How one open file is read: from front to back, or here and there. Pure.
///
/// A stream is read ahead of, further the longer its reader has to wait. Of what is read here and there no more is
/// fetched than is asked for, in pieces.
struct ReadPattern: Sendable {
    enum Step: Equatable, Sendable {
        /// Blocks from the read's beginning up to this offset.
        case stream(upTo: UInt64)
        /// Pieces of this range, which has the read in it.
        case pieces(Range<UInt64>)
    }

    /// A file up to this size is read whole when a stream of it begins.
    private static let wholeMax: UInt64 = 1 << 20
    /// The kernel sends a stream's read-ahead out of order by a few units.
    private static let slack: UInt64 = 2 << 20
    /// How far from the last read the next one may be to go on where it ended: two kernel read-ahead units.
    private static let nearMax: UInt64 = 256 << 10
    /// So many reads in a row that go on where the last one ended begin a stream, the first of them not counted.
    private static let nearMin = 2
    /// What is fetched of the beginning of a file that will probably not be read on, and around reads near each other.
    private static let clusterBytes: UInt64 = 64 << 10

    private var lastEnd: UInt64 = 0
    /// The end of what has been asked for.
    private var frontier: UInt64 = 0
    /// Bytes to read ahead now; 0: no stream.
    private var window: UInt64 = 0
    /// Reads in a row that were near the one before.
    private var near = 0
    /// The end of the furthest read; nil: nothing was read yet.
    private var reached: UInt64?
    private var beganAtStart = false

    init() {}

    /// Notes a read, which is within the size, and says what to fetch for it and ahead of it.
    mutating func next(
        _ range: Range<UInt64>, size: UInt64, isHit: Bool, windowMax: UInt64, hasRoom: Bool,
        isTrusted: Bool
    ) -> Step {
        let isFirst = reached == nil
        let isNear = !isFirst && distance(range.lowerBound, lastEnd) <= Self.nearMax
        defer {
            lastEnd = range.upperBound
            reached = max(reached ?? 0, range.upperBound)
        }
        if isFirst, range.lowerBound == 0 {
            beganAtStart = true
            near = 1
            if !isTrusted, size > 2 * Self.clusterBytes {
                return .pieces(0..<min(size, max(range.upperBound, Self.clusterBytes)))
            }
        } else if window > 0 {
            guard range.lowerBound <= frontier + Self.slack,
                range.upperBound + Self.slack >= lastEnd
            else { return pieces(range, size: size, near: 0) }
        } else {
            let count = isNear ? near + 1 : 0
            guard count >= Self.nearMin else { return pieces(range, size: size, near: count) }
        }
        return stream(range, size: size, isHit: isHit, windowMax: windowMax, hasRoom: hasRoom)
    }

    private mutating func stream(
        _ range: Range<UInt64>, size: UInt64, isHit: Bool, windowMax: UInt64, hasRoom: Bool
    ) -> Step {
        let least = reached == nil ? Self.wholeMax : Self.nearMax
        if !isHit { window = min(windowMax, max(2 * window, least)) }
        var target = range.upperBound
        if size <= Self.wholeMax {
            target = size
        } else if hasRoom, frontier < range.upperBound + window / 2 {
            target = min(size, range.upperBound + window)
        }
        // It is a stream even if nothing may be read ahead.
        window = max(window, 1)
        frontier = max(frontier, target)
        return .stream(upTo: target)
    }

    private mutating func pieces(_ range: Range<UInt64>, size: UInt64, near count: Int) -> Step {
        window = 0
        near = count
        frontier = range.upperBound
        guard count > 0 else { return .pieces(range) }
        let unit = Self.clusterBytes
        let low = range.lowerBound / unit * unit
        let high = (range.upperBound + unit - 1) / unit * unit
        return .pieces(low..<min(size, high))
    }

    private func distance(_ a: UInt64, _ b: UInt64) -> UInt64 { a > b ? a - b : b - a }

    /// Whether what follows the beginning was read too; nil: that says nothing.
    func readOn(size: UInt64) -> Bool? {
        guard beganAtStart, let reached, size > 2 * Self.clusterBytes else { return nil }
        return reached >= min(size, Self.wholeMax / 2)
    }
}
