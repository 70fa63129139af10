import RGWBase
import RGWObject
import RGWSpool
import Synchronization

/// The spool's data files, counted: what they take of the disk is known without asking for each of them.
final class MeteredFiles: SpoolFiles {
    private let files: any SpoolFiles
    let meter: SpoolMeter
    /// Files with a name: one that nobody uses any more takes its space until it is removed.
    private let named = Mutex<[DataID: MeteredFile]>([:])

    init(_ files: any SpoolFiles, meter: SpoolMeter) {
        self.files = files
        self.meter = meter
    }

    func create(_ id: DataID) throws(SpoolError) -> any SpoolFile {
        ThreadDuty.assertMayWait("making a data file")
        let file = MeteredFile(try files.create(id), meter: meter)
        named.withLock { $0[id] = file }
        return file
    }

    func open(_ id: DataID) throws(SpoolError) -> (any SpoolFile)? {
        if let file = named.withLock({ $0[id] }) { return file }
        guard let file = try files.open(id).map({ MeteredFile($0, meter: meter) }) else {
            return nil
        }
        named.withLock { $0[id] = file }
        return file
    }

    func remove(_ id: DataID) throws(SpoolError) {
        ThreadDuty.assertMayWait("removing a data file")
        try files.remove(id)
        forget(id)
    }

    /// The last reference may go with it, outside the lock.
    private func forget(_ id: DataID) { _ = named.withLock { $0.removeValue(forKey: id) } }

    func list() throws(SpoolError) -> [DataID] { try files.list() }
    func announceLost(_ id: DataID, description: String) throws(SpoolError) {
        try files.announceLost(id, description: description)
    }
    func withdrawLost(_ id: DataID) throws(SpoolError) { try files.withdrawLost(id) }
    func announcedLost() throws(SpoolError) -> [DataID] { try files.announcedLost() }
    func moveToLost(_ id: DataID, description: String?) throws(SpoolError) {
        try files.moveToLost(id, description: description)
        forget(id)
    }
    func syncAll() throws(SpoolError) { try files.syncAll() }
    func volume() throws(SpoolError) -> SpoolVolume { try files.volume() }
    func keepReserve(_ bytes: UInt64) throws(SpoolError) { try files.keepReserve(bytes) }
    func releaseReserve() throws(SpoolError) -> Bool { try files.releaseReserve() }
}

/// A data file that counts what it takes, from when it is opened until it is removed and its last reference
/// goes: a removed file that is still open takes its space as long.
final class MeteredFile: SpoolFile {
    private let file: any SpoolFile
    private let meter: SpoolMeter
    private let counted = Atomic<Int64>(0)

    init(_ file: any SpoolFile, meter: SpoolMeter) {
        self.file = file
        self.meter = meter
        count()
    }

    deinit { meter.add(-counted.load(ordering: .relaxed)) }

    /// A file that does not tell keeps what it was counted with.
    private func count() {
        guard let bytes = try? file.allocatedBytes() else { return }
        let now = Int64(clamping: bytes)
        meter.add(now - counted.exchange(now, ordering: .relaxed))
    }

    var descriptor: Int32 { file.descriptor }
    func noteSent(_ count: Int) { meter.noteSent(count) }

    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(SpoolError) {
        ThreadDuty.assertMayWait("writing a data file")
        defer { count() }
        try file.write(bytes, at: offset)
    }

    func read(at offset: UInt64, count: Int) throws(SpoolError) -> [UInt8] {
        try file.read(at: offset, count: count)
    }

    func truncate(to size: UInt64) throws(SpoolError) {
        defer { count() }
        try file.truncate(to: size)
    }

    func punchHole(_ range: Range<UInt64>) throws(SpoolError) {
        defer { count() }
        try file.punchHole(range)
    }

    func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(SpoolError) {
        defer { count() }
        try file.allocate(range, keepSize: keepSize)
    }

    func size() throws(SpoolError) -> UInt64 { try file.size() }
    func sync() throws(SpoolError) {
        ThreadDuty.assertMayWait("syncing a data file")
        try file.sync()
    }
    func md5(length: UInt64) throws(SpoolError) -> [UInt8] {
        ThreadDuty.assertMayWait("digesting a data file")
        return try file.md5(length: length)
    }
    func md5(of range: Range<UInt64>) throws(SpoolError) -> [UInt8] { try file.md5(of: range) }
    func seek(from offset: UInt64, hole: Bool) throws(SpoolError) -> UInt64? {
        try file.seek(from: offset, hole: hole)
    }
    func copy(to target: any SpoolFile, length: UInt64) throws(SpoolError) {
        guard let target = target as? MeteredFile else {
            return try file.copy(to: target, length: length)
        }
        defer { target.count() }
        try file.copy(to: target.file, length: length)
    }

    func allocatedBytes() throws(SpoolError) -> UInt64 { try file.allocatedBytes() }
}
