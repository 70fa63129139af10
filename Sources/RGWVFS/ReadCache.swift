import DequeModule
import RGWBase
import RGWObject

/// Clean object data in memory, in blocks; single-flight and read-ahead. Pure; guarded by the volume's state.
///
/// A file's blocks are kept per version (inode and ETag), so that no read mixes two versions.
struct ReadCache: Sendable {
    struct Version: Hashable, Sendable {
        let inode: InodeNumber
        let etag: ETag
    }

    /// One ranged GET: consecutive blocks.
    struct Run: Sendable {
        let version: Version
        let firstBlock: UInt64
        let range: Range<UInt64>
        /// Of the whole object.
        let size: UInt64

        /// What is left of it when the blocks before `block` have come.
        func rest(from block: UInt64) -> Run {
            let start = min(range.upperBound, max(range.lowerBound, block * ReadCache.blockBytes))
            return Run(
                version: version, firstBlock: block, range: start..<range.upperBound, size: size)
        }
    }

    /// A read that waits for blocks.
    private struct Waiting: Sendable {
        let version: Version
        let range: Range<UInt64>
        var missing: Int
        /// Blocks that are here; kept, so that eviction cannot take them away again.
        var parts: [UInt64: [UInt8]]
        let reply: ParkedReply<ReadAnswer>
    }

    private enum Block: Sendable {
        case loading([UInt64])
        case ready([UInt8])
    }

    private struct File: Sendable {
        var blocks: [UInt64: Block] = [:]
        /// Where the latest read ended, and the end of what has been asked for.
        var lastEnd: UInt64 = 0
        var frontier: UInt64 = 0
        /// Bytes to read ahead now.
        var window: UInt64 = 0
    }

    /// 256 KiB: two kernel read-ahead units; four make the largest FUSE read.
    static let blockBytes: UInt64 = 256 << 10
    /// A file up to this size is read whole at the first touch.
    private static let wholeMax: UInt64 = 1 << 20
    /// One GET asks at most this much.
    private static let runMax: UInt64 = 4 << 20
    /// The kernel sends read-ahead out of order by a few units.
    private static let slack: UInt64 = 2 << 20

    private var capacity: Int
    private var windowMax: UInt64
    private var files: [Version: File] = [:]
    private var etags: [InodeNumber: Set<ETag>] = [:]
    private var order = Deque<(Version, UInt64)>()
    private var waiting: [UInt64: Waiting] = [:]
    private var nextWaiting: UInt64 = 0
    private(set) var readyBytes = 0
    private var readyBlocks = 0
    private(set) var loadingBytes = 0

    init(capacity: Int, window: Int) {
        self.capacity = capacity
        windowMax = UInt64(window)
    }

    /// Other limits from now on; what no longer fits goes.
    mutating func resize(capacity: Int, window: Int) {
        self.capacity = capacity
        windowMax = UInt64(window)
        evict()
    }

    /// The bytes of a range, when all of them are here.
    func cached(_ version: Version, _ range: Range<UInt64>) -> [ArraySlice<UInt8>]? {
        guard let file = files[version] else { return nil }
        return Self.slices(range) { index in
            if case .ready(let bytes) = file.blocks[index] { bytes } else { nil }
        }
    }

    private static func slices(
        _ range: Range<UInt64>, _ block: (UInt64) -> [UInt8]?
    )
        -> [ArraySlice<UInt8>]?
    {
        var slices: [ArraySlice<UInt8>] = []
        for index in Self.blocks(range) {
            guard let bytes = block(index) else { return nil }
            let start = index * Self.blockBytes
            let low = Int(max(range.lowerBound, start) - start)
            let high = Int(min(range.upperBound, start + Self.blockBytes) - start)
            guard high <= bytes.count else { return nil }
            slices.append(bytes[low..<high])
        }
        return slices
    }

    /// Notes a read and says what to fetch for it and ahead of it. `range` is within the size.
    mutating func plan(_ version: Version, size: UInt64, range: Range<UInt64>) -> [Run] {
        var file = files.removeValue(forKey: version) ?? File()
        let isSequential =
            range.lowerBound <= file.frontier + Self.slack
            && range.upperBound + Self.slack >= file.lastEnd
        let hits = Self.blocks(range).allSatisfy {
            if case .ready = file.blocks[$0] { true } else { false }
        }
        if !isSequential {
            file.window = 0
        } else if !hits {
            file.window = min(windowMax, max(2 * file.window, Self.wholeMax))
        }
        var target = range.upperBound
        if isSequential, readyBytes + loadingBytes < capacity || readyBytes > loadingBytes,
            file.frontier < range.upperBound + file.window / 2
        {
            target = range.upperBound + file.window
        }
        if size <= Self.wholeMax { target = size }
        target = min(size, target)
        file.lastEnd = range.upperBound
        file.frontier = max(isSequential ? file.frontier : 0, target)
        let runs = claim(
            version, &file, size: size,
            range: (size <= Self.wholeMax ? 0 : range.lowerBound)..<target)
        store(version, file)
        return runs
    }

    private mutating func claim(
        _ version: Version, _ file: inout File, size: UInt64, range: Range<UInt64>
    ) -> [Run] {
        var runs: [Run] = []
        var start: UInt64?
        func close(_ end: UInt64) {
            guard let first = start else { return }
            let low = first * Self.blockBytes
            let high = min(size, end * Self.blockBytes)
            runs.append(
                Run(version: version, firstBlock: first, range: low..<high, size: size))
            start = nil
        }
        for index in Self.blocks(range) {
            let length = min(Self.blockBytes, size - index * Self.blockBytes)
            if case .ready(let bytes) = file.blocks[index], bytes.count < Int(length) {
                // Cut short: the next read asks again, and fails if it stays short.
                readyBytes -= bytes.count
                readyBlocks -= 1
                file.blocks[index] = nil
            }
            if file.blocks[index] == nil {
                file.blocks[index] = .loading([])
                loadingBytes += Int(Self.blockBytes)
                if let first = start, (index - first) * Self.blockBytes >= Self.runMax {
                    close(index)
                }
                if start == nil { start = index }
            } else {
                close(index)
            }
        }
        close(range.isEmpty ? 0 : Self.blocks(range).upperBound)
        return runs
    }

    /// Lets a read wait for its blocks, all of which are planned.
    mutating func wait(
        _ version: Version, _ range: Range<UInt64>, _ reply: ParkedReply<ReadAnswer>
    ) {
        var wait = Waiting(version: version, range: range, missing: 0, parts: [:], reply: reply)
        let id = nextWaiting
        nextWaiting += 1
        for index in Self.blocks(range) {
            switch files[version]?.blocks[index] {
            case .loading(let waiters):
                files[version]?.blocks[index] = .loading(waiters + [id])
                wait.missing += 1
            case .ready(let bytes): wait.parts[index] = bytes
            case nil: preconditionFailure("a read waits for a block that nobody fetches")
            }
        }
        precondition(wait.missing > 0, "nothing to wait for")
        waiting[id] = wait
    }

    /// A block arrived. Returns the reads it completes, with their bytes; nil: a block was cut short.
    mutating func deliver(
        _ version: Version, _ index: UInt64, _ bytes: [UInt8]
    )
        -> [(ParkedReply<ReadAnswer>, [ArraySlice<UInt8>]?)]
    {
        guard case .loading(let waiters) = files[version]?.blocks[index] else { return [] }
        files[version]?.blocks[index] = .ready(bytes)
        loadingBytes -= Int(Self.blockBytes)
        readyBytes += bytes.count
        readyBlocks += 1
        order.append((version, index))
        var done: [(ParkedReply<ReadAnswer>, [ArraySlice<UInt8>]?)] = []
        for id in waiters {
            waiting[id]?.missing -= 1
            waiting[id]?.parts[index] = bytes
            guard let wait = waiting[id], wait.missing == 0 else { continue }
            waiting[id] = nil
            done.append((wait.reply, Self.slices(wait.range) { wait.parts[$0] }))
        }
        evict()
        return done
    }

    /// Some of a GET's blocks have not come.
    func isLoading(_ run: Run) -> Bool {
        Self.blocks(run.range).contains {
            if case .loading = files[run.version]?.blocks[$0] { true } else { false }
        }
    }

    /// A GET failed: its missing blocks can be asked for again; the reads that wait for them fail.
    mutating func fail(_ run: Run) -> [ParkedReply<ReadAnswer>] {
        var failed: [ParkedReply<ReadAnswer>] = []
        for index in Self.blocks(run.range) {
            guard case .loading(let waiters) = files[run.version]?.blocks[index] else { continue }
            files[run.version]?.blocks[index] = nil
            loadingBytes -= Int(Self.blockBytes)
            for id in waiters {
                if let wait = waiting.removeValue(forKey: id) { failed.append(wait.reply) }
            }
        }
        return failed
    }

    /// Forgets the clean data of a file; blocks on their way still reach those who wait.
    mutating func drop(_ inode: InodeNumber) {
        for etag in etags.removeValue(forKey: inode) ?? [] {
            let version = Version(inode: inode, etag: etag)
            guard var file = files[version] else { continue }
            for (index, block) in file.blocks {
                if case .ready(let bytes) = block {
                    readyBytes -= bytes.count
                    readyBlocks -= 1
                    file.blocks[index] = nil
                }
            }
            store(version, file.blocks.isEmpty ? nil : file)
        }
        forgetDropped()
    }

    /// Dropped blocks leave their places in the order of eviction behind; without this, reading many small
    /// files would let them grow for ever.
    private mutating func forgetDropped() {
        guard order.count > 2 * readyBlocks + 1024 else { return }
        var kept = Set<Place>()
        order = Deque(
            order.filter { version, index in
                guard case .ready = files[version]?.blocks[index] else { return false }
                return kept.insert(Place(version: version, index: index)).inserted
            })
    }

    private struct Place: Hashable {
        let version: Version
        let index: UInt64
    }

    /// Entries in the order of eviction, for tests.
    var orderCount: Int { order.count }

    private mutating func evict() {
        while readyBytes + loadingBytes > capacity, let (version, index) = order.popFirst() {
            guard case .ready(let bytes) = files[version]?.blocks[index] else { continue }
            readyBytes -= bytes.count
            readyBlocks -= 1
            files[version]?.blocks[index] = nil
            if files[version]?.blocks.isEmpty == true { store(version, nil) }
        }
    }

    private mutating func store(_ version: Version, _ file: File?) {
        files[version] = file
        if file != nil {
            etags[version.inode, default: []].insert(version.etag)
        } else {
            etags[version.inode]?.remove(version.etag)
            if etags[version.inode]?.isEmpty == true { etags[version.inode] = nil }
        }
    }

    static func blocks(_ range: Range<UInt64>) -> Range<UInt64> {
        guard !range.isEmpty else { return 0..<0 }
        return range.lowerBound / blockBytes..<(range.upperBound - 1) / blockBytes + 1
    }
}
