import RGWBase
import RGWObject

/// Clean object data in memory: large blocks of what is read from front to back, with read-ahead, and small pieces of
/// what is read here and there. Pure; guarded by the volume's state.
struct ReadCache: Sendable {
    typealias Version = BlockStore.Version
    typealias Run = BlockStore.Run

    /// 256 KiB: two kernel read-ahead units; four make the largest FUSE read.
    static let blockBytes: UInt64 = 256 << 10
    /// 16 KiB: a page would save nothing that a request's time does not outweigh.
    static let pieceBytes: UInt64 = 16 << 10
    /// Pieces get this part of the memory.
    private static let pieceShare = 8

    private var windowMax: UInt64
    private var blocks: BlockStore
    private var pieces: BlockStore
    /// Whether files are read on when their beginning was: from 0, rarely, to `trustMax`.
    private var trust = 2
    private static let trustMax = 4

    init(capacity: Int, window: Int) {
        windowMax = UInt64(window)
        let share = capacity / Self.pieceShare
        blocks = BlockStore(blockBytes: Self.blockBytes, capacity: capacity - share)
        pieces = BlockStore(blockBytes: Self.pieceBytes, capacity: share)
    }

    /// Other limits from now on; what no longer fits goes.
    mutating func resize(capacity: Int, window: Int) {
        windowMax = UInt64(window)
        let share = capacity / Self.pieceShare
        blocks.resize(capacity: capacity - share)
        pieces.resize(capacity: share)
    }

    var readyBytes: Int { blocks.readyBytes + pieces.readyBytes }
    var loadingBytes: Int { blocks.loadingBytes + pieces.loadingBytes }

    /// The bytes of a range, when all of them are here.
    func cached(_ version: Version, _ range: Range<UInt64>) -> [ArraySlice<UInt8>]? {
        blocks.cached(version, range) ?? pieces.cached(version, range)
    }

    /// What to fetch ahead of a read that is answered from memory. `range` is within the size.
    mutating func advance(
        _ version: Version, size: UInt64, range: Range<UInt64>, _ pattern: inout ReadPattern
    ) -> [Run] {
        switch step(size: size, range, &pattern, isHit: true) {
        case .stream(let end): blocks.claim(version, size: size, range: range.lowerBound..<end)
        case .pieces: []
        }
    }

    /// Lets a read wait for what it lacks. Returns what nobody fetches yet, and what to fetch ahead of it.
    mutating func wait(
        _ version: Version, size: UInt64, range: Range<UInt64>, _ pattern: inout ReadPattern,
        _ reply: ParkedReply<ReadAnswer>
    ) -> [Run] {
        switch step(size: size, range, &pattern, isHit: false) {
        case .stream(let end):
            let runs = blocks.claim(version, size: size, range: range.lowerBound..<end)
            blocks.wait(version, range, reply)
            return runs
        case .pieces where blocks.covers(version, range):
            // A block that is cut short is asked for again.
            let runs = blocks.claim(version, size: size, range: range)
            blocks.wait(version, range, reply)
            return runs
        case .pieces(let part):
            let runs = pieces.claim(version, size: size, range: part)
            pieces.wait(version, range, reply)
            return runs
        }
    }

    private mutating func step(
        size: UInt64, _ range: Range<UInt64>, _ pattern: inout ReadPattern, isHit: Bool
    ) -> ReadPattern.Step {
        pattern.next(
            range, size: size, isHit: isHit, windowMax: windowMax, hasRoom: blocks.hasRoom,
            isTrusted: trust > 0)
    }

    /// A reader has closed its file: the next files will probably be read as this one was.
    mutating func learn(from pattern: ReadPattern, size: UInt64) {
        switch pattern.readOn(size: size) {
        case .some(true): trust = min(Self.trustMax, trust + 1)
        case .some(false): trust = max(0, trust - 2)
        case nil: break
        }
    }

    // MARK: Small files

    /// Keeps the whole content of a small file.
    mutating func keep(_ version: Version, _ bytes: [UInt8]) {
        guard UInt64(bytes.count) <= Self.blockBytes else { return }
        blocks.insert(version, 0, bytes)
    }

    /// The whole of a small file is here or on its way.
    func has(_ version: Version, size: UInt64) -> Bool { blocks.covers(version, 0..<size) }

    /// What to fetch so that the whole of a small file is here.
    mutating func claim(_ version: Version, size: UInt64) -> [Run] {
        blocks.claim(version, size: size, range: 0..<size)
    }

    // MARK: Answers

    /// A block arrived. Returns the reads it completes, with their bytes; nil: a block was cut short.
    mutating func deliver(
        _ run: Run, _ index: UInt64, _ bytes: [UInt8]
    ) -> [(ParkedReply<ReadAnswer>, [ArraySlice<UInt8>]?)] {
        run.blockBytes == Self.pieceBytes
            ? pieces.deliver(run.version, index, bytes) : blocks.deliver(run.version, index, bytes)
    }

    /// Some of a GET's blocks have not come.
    func isLoading(_ run: Run) -> Bool {
        run.blockBytes == Self.pieceBytes ? pieces.isLoading(run) : blocks.isLoading(run)
    }

    /// A GET failed: its missing blocks can be asked for again; the reads that wait for them fail.
    mutating func fail(_ run: Run) -> [ParkedReply<ReadAnswer>] {
        run.blockBytes == Self.pieceBytes ? pieces.fail(run) : blocks.fail(run)
    }

    /// Forgets the clean data of a file; blocks on their way still reach those who wait.
    mutating func drop(_ inode: InodeNumber) {
        blocks.drop(inode)
        pieces.drop(inode)
    }
}
