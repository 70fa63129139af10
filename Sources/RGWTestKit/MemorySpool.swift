package import RGWBase
import RGWCrypto
import RGWObject
package import RGWSpool
import Synchronization

/// A journal in memory. It keeps what was committed, as SQLite does after `kill -9`.
package final class MemoryJournal: Journal {
    private struct State {
        var nodes: [InodeNumber: NodeRecord] = [:]
        var intents: [ObjectAddress: IntentRecord] = [:]
        var nextInode = InodeNumber(2)
        var nextData = DataID(1)
        var commits = 0
        var failure: SpoolError?
    }
    private let state = Mutex(State())

    package init() {}

    package var commits: Int { state.withLock { $0.commits } }

    /// What a crash at this moment leaves.
    package func copy() -> MemoryJournal {
        let copy = MemoryJournal()
        let now = state.withLock { $0 }
        copy.state.withLock { $0 = now }
        return copy
    }

    /// The next commits fail.
    package func setFailure(_ failure: SpoolError?) { state.withLock { $0.failure = failure } }

    package func load() throws(SpoolError) -> JournalContents {
        state.withLock { state in
            JournalContents(
                nodes: state.nodes.values.sorted { $0.inode < $1.inode },
                intents: state.intents.values.sorted { $0.address.key < $1.address.key },
                nextInode: state.nextInode, nextData: state.nextData)
        }
    }

    package func commit(_ changes: [JournalChange], durability: Durability) throws(SpoolError) {
        let failure: SpoolError? = state.withLock { state in
            if let failure = state.failure { return failure }
            state.commits += 1
            for change in changes { Self.apply(change, &state) }
            return nil
        }
        if let failure { throw failure }
    }

    private static func apply(_ change: JournalChange, _ state: inout State) {
        switch change {
        case .node(let node):
            state.nodes[node.inode] = node
            state.nextInode = max(state.nextInode, InodeNumber(node.inode.value + 1))
            if let data = node.data {
                state.nextData = max(state.nextData, DataID(data.value + 1))
            }
        case .removeNode(let inode): state.nodes[inode] = nil
        case .intent(let intent): state.intents[intent.address] = intent
        case .removeIntent(let address): state.intents[address] = nil
        }
    }
}

/// Data files in memory.
package final class MemoryFiles: SpoolFiles {
    private struct State {
        var files: [DataID: MemoryFile] = [:]
        var lost: [(DataID, String)] = []
    }
    private let state = Mutex(State())

    package init() {}

    /// What was moved to `lost/`, with its descriptions.
    package var lost: [(DataID, String)] { state.withLock { $0.lost } }

    package func create(_ id: DataID) throws(SpoolError) -> any SpoolFile {
        let file = MemoryFile()
        let isNew = state.withLock { state in
            let isNew = state.files[id] == nil
            state.files[id] = file
            return isNew
        }
        if !isNew { throw .failed(operation: "create data file \(id.value)", errno: 17) }
        return file
    }

    package func open(_ id: DataID) throws(SpoolError) -> (any SpoolFile)? {
        state.withLock { $0.files[id] }
    }

    package func remove(_ id: DataID) throws(SpoolError) { state.withLock { $0.files[id] = nil } }

    package func list() throws(SpoolError) -> [DataID] {
        state.withLock { $0.files.keys.sorted() }
    }

    package func moveToLost(_ id: DataID, description: String) throws(SpoolError) {
        state.withLock { state in
            state.files[id] = nil
            state.lost.append((id, description))
        }
    }

    package func syncAll() throws(SpoolError) {}
    package func freeBytes() throws(SpoolError) -> UInt64 { 1 << 40 }
}

/// One data file in memory.
package final class MemoryFile: SpoolFile {
    private let bytes = Mutex<[UInt8]>([])

    package var descriptor: Int32 { -1 }

    package func write(_ span: Span<UInt8>, at offset: UInt64) throws(SpoolError) {
        var copy: [UInt8] = []
        for index in span.indices { copy.append(span[index]) }
        let start = Int(offset)
        bytes.withLock { [copy] bytes in
            let end = start + copy.count
            if bytes.count < end {
                bytes.append(contentsOf: [UInt8](repeating: 0, count: end - bytes.count))
            }
            bytes.replaceSubrange(start..<end, with: copy)
        }
    }

    package func read(at offset: UInt64, count: Int) throws(SpoolError) -> [UInt8] {
        bytes.withLock { bytes in
            let start = min(bytes.count, Int(offset))
            return Array(bytes[start..<min(bytes.count, start + count)])
        }
    }

    package func truncate(to size: UInt64) throws(SpoolError) {
        bytes.withLock { bytes in
            if bytes.count > Int(size) {
                bytes.removeLast(bytes.count - Int(size))
            } else {
                bytes.append(contentsOf: [UInt8](repeating: 0, count: Int(size) - bytes.count))
            }
        }
    }

    package func size() throws(SpoolError) -> UInt64 { bytes.withLock { UInt64($0.count) } }
    package func sync() throws(SpoolError) {}

    package func md5(length: UInt64) throws(SpoolError) -> [UInt8] {
        let part: [UInt8]? = bytes.withLock { bytes in
            bytes.count < Int(length) ? nil : Array(bytes[..<Int(length)])
        }
        guard let part else { throw .failed(operation: "md5", errno: 5) }
        return Hash.md5(part)
    }

    package func punchHole(_ range: Range<UInt64>) throws(SpoolError) {
        bytes.withLock { bytes in
            for index in Int(range.lowerBound)..<min(bytes.count, Int(range.upperBound)) {
                bytes[index] = 0
            }
        }
    }

    package func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(SpoolError) {
        if !keepSize, try size() < range.upperBound { try truncate(to: range.upperBound) }
    }

    package func seek(from offset: UInt64, hole: Bool) throws(SpoolError) -> UInt64? {
        let size = try size()
        return offset >= size ? nil : hole ? size : offset
    }
}
