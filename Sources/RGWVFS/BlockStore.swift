import DequeModule
import RGWBase
import RGWObject
import RGWSpool

/// Blocks of one size of clean object data, here or on their way: single-flight. Pure; guarded by the volume's state.
///
/// A file's blocks are kept per version (inode, ETag and size), so that no read mixes two versions.
struct BlockStore: Sendable {
    struct Version: Hashable, Sendable {
        let inode: InodeNumber
        let etag: ETag
        /// In bytes.
        let size: UInt64

        init(_ inode: InodeNumber, _ base: BaseVersion) {
            self.inode = inode
            etag = base.etag
            size = base.size
        }
    }

    /// One ranged GET: consecutive blocks.
    struct Run: Sendable {
        let version: Version
        let blockBytes: UInt64
        let firstBlock: UInt64
        let range: Range<UInt64>
        /// Of the whole object.
        let size: UInt64

        /// What is left of it when the blocks before `block` have come.
        func rest(from block: UInt64) -> Run {
            let start = min(range.upperBound, max(range.lowerBound, block * blockBytes))
            return Run(
                version: version, blockBytes: blockBytes, firstBlock: block,
                range: start..<range.upperBound, size: size)
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

    /// One GET asks at most this much.
    private static let runMax: UInt64 = 4 << 20

    let blockBytes: UInt64
    private var capacity: Int
    private var files: [Version: [UInt64: Block]] = [:]
    private var versions: [InodeNumber: Set<Version>] = [:]
    private var order = Deque<(Version, UInt64)>()
    private var waiting: [UInt64: Waiting] = [:]
    private var nextWaiting: UInt64 = 0
    private(set) var readyBytes = 0
    private var readyBlocks = 0
    private(set) var loadingBytes = 0

    init(blockBytes: UInt64, capacity: Int) {
        self.blockBytes = blockBytes
        self.capacity = capacity
    }

    /// Another limit from now on; what no longer fits goes.
    mutating func resize(capacity: Int) {
        self.capacity = capacity
        evict()
    }

    /// More may be asked for than a reader waits for.
    var hasRoom: Bool { readyBytes + loadingBytes < capacity || readyBytes > loadingBytes }

    /// The bytes of a range, when all of them are here.
    func cached(_ version: Version, _ range: Range<UInt64>) -> [ArraySlice<UInt8>]? {
        guard let file = files[version] else { return nil }
        return slices(range) { index in
            if case .ready(let bytes) = file[index] { bytes } else { nil }
        }
    }

    /// All the blocks of a range are here or on their way.
    func covers(_ version: Version, _ range: Range<UInt64>) -> Bool {
        guard let file = files[version] else { return false }
        return blocks(range).allSatisfy { file[$0] != nil }
    }

    /// Bytes that came otherwise, as the block they are.
    mutating func insert(_ version: Version, _ index: UInt64, _ bytes: [UInt8]) {
        guard files[version]?[index] == nil else { return }
        files[version, default: [:]][index] = .loading([])
        versions[version.inode, default: []].insert(version)
        loadingBytes += Int(blockBytes)
        _ = deliver(version, index, bytes)
    }

    private func slices(
        _ range: Range<UInt64>, _ block: (UInt64) -> [UInt8]?
    )
        -> [ArraySlice<UInt8>]?
    {
        var slices: [ArraySlice<UInt8>] = []
        for index in blocks(range) {
            guard let bytes = block(index) else { return nil }
            let start = index * blockBytes
            let low = Int(max(range.lowerBound, start) - start)
            let high = Int(min(range.upperBound, start + blockBytes) - start)
            guard high <= bytes.count else { return nil }
            slices.append(bytes[low..<high])
        }
        return slices
    }

    /// What of a range is neither here nor on its way: from now on it is on its way.
    mutating func claim(_ version: Version, size: UInt64, range: Range<UInt64>) -> [Run] {
        var file = files.removeValue(forKey: version) ?? [:]
        var runs: [Run] = []
        var start: UInt64?
        func close(_ end: UInt64) {
            guard let first = start else { return }
            let low = first * blockBytes
            let high = min(size, end * blockBytes)
            runs.append(
                Run(
                    version: version, blockBytes: blockBytes, firstBlock: first,
                    range: low..<high, size: size))
            start = nil
        }
        for index in blocks(range) {
            let length = min(blockBytes, size - index * blockBytes)
            if case .ready(let bytes) = file[index], bytes.count < Int(length) {
                // Cut short: the next read asks again, and fails if it stays short.
                readyBytes -= bytes.count
                readyBlocks -= 1
                file[index] = nil
            }
            if file[index] == nil {
                file[index] = .loading([])
                loadingBytes += Int(blockBytes)
                if let first = start, (index - first) * blockBytes >= Self.runMax {
                    close(index)
                }
                if start == nil { start = index }
            } else {
                close(index)
            }
        }
        close(range.isEmpty ? 0 : blocks(range).upperBound)
        store(version, file)
        return runs
    }

    /// Lets a read wait for its blocks, all of which are planned.
    mutating func wait(
        _ version: Version, _ range: Range<UInt64>, _ reply: ParkedReply<ReadAnswer>
    ) {
        var wait = Waiting(version: version, range: range, missing: 0, parts: [:], reply: reply)
        let id = nextWaiting
        nextWaiting += 1
        for index in blocks(range) {
            switch files[version]?[index] {
            case .loading(let waiters):
                files[version]?[index] = .loading(waiters + [id])
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
        guard case .loading(let waiters) = files[version]?[index] else { return [] }
        files[version]?[index] = .ready(bytes)
        loadingBytes -= Int(blockBytes)
        readyBytes += bytes.count
        readyBlocks += 1
        order.append((version, index))
        var done: [(ParkedReply<ReadAnswer>, [ArraySlice<UInt8>]?)] = []
        for id in waiters {
            waiting[id]?.missing -= 1
            waiting[id]?.parts[index] = bytes
            guard let wait = waiting[id], wait.missing == 0 else { continue }
            waiting[id] = nil
            done.append((wait.reply, slices(wait.range) { wait.parts[$0] }))
        }
        evict()
        return done
    }

    /// Some of a GET's blocks have not come.
    func isLoading(_ run: Run) -> Bool {
        blocks(run.range).contains {
            if case .loading = files[run.version]?[$0] { true } else { false }
        }
    }

    /// A GET failed: its missing blocks can be asked for again; the reads that wait for them fail.
    mutating func fail(_ run: Run) -> [ParkedReply<ReadAnswer>] {
        var failed: [ParkedReply<ReadAnswer>] = []
        for index in blocks(run.range) {
            guard case .loading(let waiters) = files[run.version]?[index] else { continue }
            files[run.version]?[index] = nil
            loadingBytes -= Int(blockBytes)
            for id in waiters {
                if let wait = waiting.removeValue(forKey: id) { failed.append(wait.reply) }
            }
        }
        return failed
    }

    /// Forgets the clean data of a file; blocks on their way still reach those who wait.
    mutating func drop(_ inode: InodeNumber) {
        for version in versions.removeValue(forKey: inode) ?? [] {
            guard var file = files[version] else { continue }
            for (index, block) in file {
                if case .ready(let bytes) = block {
                    readyBytes -= bytes.count
                    readyBlocks -= 1
                    file[index] = nil
                }
            }
            store(version, file)
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
                guard case .ready = files[version]?[index] else { return false }
                return kept.insert(Place(version: version, index: index)).inserted
            })
    }

    private struct Place: Hashable {
        let version: Version
        let index: UInt64
    }

    private mutating func evict() {
        while readyBytes + loadingBytes > capacity, let (version, index) = order.popFirst() {
            guard case .ready(let bytes) = files[version]?[index] else { continue }
            readyBytes -= bytes.count
            readyBlocks -= 1
            files[version]?[index] = nil
            if files[version]?.isEmpty == true { store(version, [:]) }
        }
    }

    private mutating func store(_ version: Version, _ file: [UInt64: Block]) {
        files[version] = file.isEmpty ? nil : file
        if !file.isEmpty {
            versions[version.inode, default: []].insert(version)
        } else {
            versions[version.inode]?.remove(version)
            if versions[version.inode]?.isEmpty == true { versions[version.inode] = nil }
        }
    }

    private func blocks(_ range: Range<UInt64>) -> Range<UInt64> {
        guard !range.isEmpty else { return 0..<0 }
        return range.lowerBound / blockBytes..<(range.upperBound - 1) / blockBytes + 1
    }
}
