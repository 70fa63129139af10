package import RGWBase
package import RGWSpool
import Synchronization

/// Data files in memory, on a filesystem of a size that a test chooses.
package final class MemoryFiles: SpoolFiles {
    private struct State {
        var files: [DataID: MemoryFile] = [:]
        var lost: [(DataID, String)] = []
        var announced: [DataID: String] = [:]
    }
    private let state = Mutex(State())
    private let disk = MemoryDisk()
    package let faults: SpoolFaults

    package init(faults: SpoolFaults = SpoolFaults()) { self.faults = faults }

    /// What was moved to `lost/`, with its descriptions.
    package var lost: [(DataID, String)] { state.withLock { $0.lost } }

    /// Bytes of the filesystem; a write that does not fit writes what fits and then fails.
    package var capacity: UInt64 {
        get { disk.capacity }
        set { disk.capacity = newValue }
    }

    package var reserve: UInt64 { disk.reserve }

    /// Bytes taken, the reserve included.
    package var used: UInt64 { disk.used }

    package func create(_ id: DataID) throws(SpoolError) -> any SpoolFile {
        try faults.check(.create)
        let file = MemoryFile(faults: faults, disk: disk)
        let isNew = state.withLock { state in
            let isNew = state.files[id] == nil
            state.files[id] = file
            return isNew
        }
        if !isNew { throw .failed(operation: "create data file \(id.value)", errno: 17) }
        return file
    }

    package func open(_ id: DataID) throws(SpoolError) -> (any SpoolFile)? {
        try faults.check(.open)
        return state.withLock { $0.files[id] }
    }

    package func remove(_ id: DataID) throws(SpoolError) {
        try faults.check(.remove)
        state.withLock { $0.files[id] = nil }
    }

    package func list() throws(SpoolError) -> [DataID] {
        state.withLock { $0.files.keys.sorted() }
    }

    package func announceLost(_ id: DataID, description: String) throws(SpoolError) {
        state.withLock { $0.announced[id] = description }
    }

    package func withdrawLost(_ id: DataID) throws(SpoolError) {
        state.withLock { $0.announced[id] = nil }
    }

    package func announcedLost() throws(SpoolError) -> [DataID] {
        state.withLock { $0.announced.keys.sorted() }
    }

    package func moveToLost(_ id: DataID, description: String?) throws(SpoolError) {
        try faults.check(.moveToLost)
        state.withLock { state in
            state.files[id] = nil
            let announced = state.announced.removeValue(forKey: id)
            state.lost.append((id, description ?? announced ?? ""))
        }
    }

    package func syncAll() throws(SpoolError) { try faults.check(.syncAll) }

    package func volume() throws(SpoolError) -> SpoolVolume {
        let (capacity, used) = (disk.capacity, disk.used)
        return SpoolVolume(totalBytes: capacity, freeBytes: capacity - min(capacity, used))
    }

    package func keepReserve(_ bytes: UInt64) throws(SpoolError) {
        try faults.check(.reserve)
        try disk.keepReserve(bytes)
    }
    package func releaseReserve() throws(SpoolError) -> Bool { disk.releaseReserve() }
}

/// The space that data files in memory share.
final class MemoryDisk: Sendable {
    private struct State {
        var capacity: UInt64 = 1 << 40
        var used: UInt64 = 0
        var reserve: UInt64 = 0
    }
    private let state = Mutex(State())

    var capacity: UInt64 {
        get { state.withLock { $0.capacity } }
        set { state.withLock { $0.capacity = newValue } }
    }

    var used: UInt64 { state.withLock { $0.used + $0.reserve } }
    var reserve: UInt64 { state.withLock { $0.reserve } }

    /// How many of `count` bytes more there is room for; they are taken.
    func take(_ count: UInt64) -> UInt64 {
        state.withLock { state in
            let taken = state.used + state.reserve
            let got = min(count, state.capacity - min(state.capacity, taken))
            state.used += got
            return got
        }
    }

    func giveBack(_ count: UInt64) { state.withLock { $0.used -= count } }

    func keepReserve(_ bytes: UInt64) throws(SpoolError) {
        let fits = state.withLock { state in
            if state.reserve >= bytes { return true }
            guard state.used + bytes <= state.capacity else { return false }
            state.reserve = bytes
            return true
        }
        if !fits { throw .full }
    }

    func releaseReserve() -> Bool {
        state.withLock { state in
            defer { state.reserve = 0 }
            return state.reserve > 0
        }
    }
}
