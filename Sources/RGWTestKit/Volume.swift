package import RGWBase
package import RGWObject
import RGWSpool
package import RGWVFS
import Synchronization

/// A filesystem in a virtual world: memory for the bucket, the journal and the spool.
///
/// Its calls run the world until the operation answers, but move time only when told.
package final class Volume: Sendable {
    package static let bucket: BucketName = "photos"
    package let world: VirtualWorld
    package let store: StrictObjectStore
    package let journal: MemoryJournal
    package let files: MemoryFiles
    package let attributeStore: MemoryAttributes
    package let fileSystem: FileSystem
    /// What the kernel would have been told.
    package let notices = Notices()
    private let life: MountLife
    private let locked = LockedCalls()

    package static let caller = Caller(uid: 1000, gid: 1000, umask: 0o022)

    /// `isThreaded`: with a thread for commits, and everything under the duty of its thread. `long`: where long work
    /// goes.
    package convenience init(
        isThreaded: Bool = false, long: (any WorkQueue)? = nil,
        _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws {
        let world = VirtualWorld()
        let faults = SpoolFaults()
        try self.init(
            world: world,
            store: StrictObjectStore(
                buckets: [Self.bucket], queue: world, clock: world, timer: world),
            journal: MemoryJournal(faults: faults), files: MemoryFiles(faults: faults),
            isThreaded: isThreaded, long: long, adjust)
    }

    /// Mounts what an earlier volume left, as after `kill -9`.
    package convenience init(
        remounting old: Volume, afterPowerCut: Bool = false, isThreaded: Bool = false,
        _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws {
        old.life.end()
        try self.init(
            world: old.world, store: old.store, journal: old.journal, files: old.files,
            attributes: old.attributeStore, afterPowerCut: afterPowerCut, isThreaded: isThreaded,
            adjust)
    }

    package init(
        world: VirtualWorld, store: StrictObjectStore, journal: MemoryJournal, files: MemoryFiles,
        attributes: MemoryAttributes = MemoryAttributes(), afterPowerCut: Bool = false,
        failPoints: FailPoints? = nil, isThreaded: Bool = false,
        long: (any WorkQueue)? = nil, _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = VolumeConfiguration(bucket: Self.bucket, uid: 0, gid: 0)
        configuration.hostName = "host"
        adjust(&configuration)
        self.world = world
        self.store = store
        self.journal = journal
        self.files = files
        attributeStore = attributes
        let life = MountLife(world: world, isThreaded: isThreaded)
        let lanes = WorkLanes(
            long: long ?? life, spool: life, short: life, journal: isThreaded ? life : nil)
        self.life = life
        fileSystem = try FileSystem(
            configuration: configuration, store: MountedStore(store, life: life), journal: journal,
            files: files, afterPowerCut: afterPowerCut, clock: world, entropy: world, timer: life,
            lanes: lanes, events: { _ in }, failPoints: failPoints, kernel: notices,
            attributes: attributes)
        files.faults.watch { [weak fileSystem, locked] call in
            if fileSystem?.isDeciding == true { locked.append(call) }
        }
        fileSystem.start()
        world.run()
    }

    /// Calls of the spool that were made under the lock of the state: none, unless rgwfs is wrong.
    package var lockedCalls: [String] { locked.all }

    /// The data files that belong to something, or once did.
    package func dataFiles() throws -> [DataID] {
        let spare = Set(fileSystem.spareFiles)
        return try files.list().filter { !spare.contains($0) }
    }

    /// Runs one operation to its answer.
    package func call<Value: Sendable>(
        _ operation: (consuming Reply<Value>) -> Void
    ) throws(FileSystemError) -> Value {
        let box = Box<Value>()
        operation(Reply { box.result = $0 })
        while box.result == nil, world.step() {}
        guard let result = box.result else { preconditionFailure("the operation never answered") }
        return try result.get()
    }

    /// Starts an operation without waiting.
    package func begin<Value: Sendable>(
        interruption: Interruption? = nil, _ operation: (consuming Reply<Value>) -> Void
    )
        -> Box<Value>
    {
        let box = Box<Value>()
        operation(Reply(interruption: interruption) { box.result = $0 })
        return box
    }

    /// Keeps what the kernel would be told.
    package final class Notices: KernelNotices {
        private let state = Mutex<[KernelNotice]>([])
        package func post(_ notice: KernelNotice) { state.withLock { $0.append(notice) } }

        /// All since the last time.
        package func takeAll() -> [KernelNotice] {
            state.withLock { state in
                defer { state = [] }
                return state
            }
        }
    }

    private final class LockedCalls: Sendable {
        private let calls = Mutex<[String]>([])
        func append(_ call: String) { calls.withLock { $0.append(call) } }
        var all: [String] { calls.withLock { $0 } }
    }

    /// Holds an answer.
    package final class Box<Value: Sendable>: Sendable {
        private let state = Mutex<Result<Value, FileSystemError>?>(nil)
        package var result: Result<Value, FileSystemError>? {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    // MARK: Paths, as programs use them

    package func inode(_ path: String) throws(FileSystemError) -> InodeNumber {
        try entry(path)?.inode ?? .root
    }

    package func attributes(_ path: String) throws(FileSystemError) -> FileAttributes {
        let inode = try inode(path)
        do throws(FileSystemError) {
            return try call { fileSystem.getattr(inode, $0) }.attributes
        } catch {
            // As the kernel: a stale file is looked up once more. Source: linux, retry_estale.
            guard error == .stale else { throw error }
            let again = try self.inode(path)
            return try call { fileSystem.getattr(again, $0) }.attributes
        }
    }

    private func entry(_ path: String) throws(FileSystemError) -> EntryAnswer? {
        var answer: EntryAnswer?
        var current = InodeNumber.root
        for name in try names(path) {
            let found = try call { fileSystem.lookup(current, name, $0) }
            answer = found
            current = found.inode
        }
        return answer
    }

    private func names(_ path: String) throws(FileSystemError) -> [EntryName] {
        var names: [EntryName] = []
        for part in path.split(separator: "/") {
            do { names.append(try EntryName(Array(part.utf8))) } catch { throw .invalidArgument }
        }
        return names
    }

    private func parent(_ path: String) throws(FileSystemError) -> (InodeNumber, EntryName) {
        var names = try names(path)
        guard let last = names.popLast() else { throw .invalidArgument }
        return (try inode(names.map(\.text).joined(separator: "/")), last)
    }

    package func create(
        _ path: String, _ permissions: UInt32 = 0o644
    ) throws(FileSystemError)
        -> (InodeNumber, HandleID)
    {
        let (parent, name) = try parent(path)
        let made = try call {
            fileSystem.create(
                parent, name, permissions: permissions, OpenFlags(read: true, write: true),
                Self.caller, $0)
        }
        return (made.entry.inode, made.open.handle)
    }

    package func open(
        _ path: String, write: Bool = false, truncate: Bool = false
    )
        throws(FileSystemError) -> (InodeNumber, HandleID)
    {
        let flags = OpenFlags(read: true, write: write, truncate: truncate)
        let inode = try inode(path)
        do throws(FileSystemError) {
            return (inode, try call { fileSystem.open(inode, flags, $0) }.handle)
        } catch {
            // As the kernel: a stale file is looked up once more. Source: linux, retry_estale.
            guard error == .stale else { throw error }
            let again = try self.inode(path)
            return (again, try call { fileSystem.open(again, flags, $0) }.handle)
        }
    }

    package func write(
        _ file: (InodeNumber, HandleID), _ text: String, at offset: UInt64 = 0,
        _ origin: WriteOrigin = []
    )
        throws(FileSystemError)
    {
        let bytes = Array(text.utf8)
        let count = try call {
            fileSystem.write(file.0, file.1, offset: offset, bytes: bytes.span, origin, $0)
        }
        precondition(count == bytes.count)
    }

    package func close(_ file: (InodeNumber, HandleID)) throws(FileSystemError) {
        defer { release(file) }
        try call { fileSystem.flush(file.0, file.1, $0) }
    }

    package func release(_ file: (InodeNumber, HandleID)) {
        do throws(FileSystemError) {
            try call { fileSystem.release(file.0, file.1, $0) }
        } catch { preconditionFailure("release never fails: \(error)") }
    }

    /// create or truncate, write, close.
    package func save(_ path: String, _ text: String) throws(FileSystemError) {
        let file: (InodeNumber, HandleID)
        do throws(FileSystemError) { file = try create(path) } catch {
            guard error == .exists else { throw error }
            file = try open(path, write: true, truncate: true)
        }
        try write(file, text)
        try close(file)
    }

    package func read(
        _ file: (InodeNumber, HandleID), at offset: UInt64 = 0, count: Int = 1 << 20
    )
        throws(FileSystemError) -> [UInt8]
    {
        switch try call({ fileSystem.read(file.0, file.1, offset: offset, count: count, $0) }) {
        case .bytes(let slices): return slices.flatMap { Array($0) }
        case .file(let spool, let offset, let count):
            do { return try spool.read(at: offset, count: count) } catch { throw .inputOutput }
        }
    }

    package func load(_ path: String) throws(FileSystemError) -> String {
        let file = try open(path)
        defer { release(file) }
        return String(decoding: try read(file), as: UTF8.self)
    }

    package func mkdir(_ path: String) throws(FileSystemError) {
        let (parent, name) = try parent(path)
        _ = try call { fileSystem.mkdir(parent, name, permissions: 0o755, Self.caller, $0) }
    }

    package func unlink(_ path: String) throws(FileSystemError) {
        let (parent, name) = try parent(path)
        try call { fileSystem.unlink(parent, name, $0) }
    }

    package func rmdir(_ path: String) throws(FileSystemError) {
        let (parent, name) = try parent(path)
        try call { fileSystem.rmdir(parent, name, $0) }
    }

    package func rename(
        _ old: String, _ new: String, _ mode: RenameMode = .replace
    )
        throws(FileSystemError)
    {
        let (parent, name) = try parent(old)
        let (newParent, newName) = try self.parent(new)
        try call { fileSystem.rename(parent, name, to: newParent, newName, mode, $0) }
    }

    package func change(
        _ path: String, _ edit: (inout AttributeChanges) -> Void
    )
        throws(FileSystemError)
    {
        let inode = try inode(path)
        var changes = AttributeChanges()
        edit(&changes)
        _ = try call { fileSystem.setattr(inode, changes, Self.caller, $0) }
    }

    /// The names that readdir gives, `.` and `..` left out.
    package func names(in path: String) throws(FileSystemError) -> [String] {
        let inode = try inode(path)
        let handle = try call { fileSystem.opendir(inode, $0) }.handle
        var names: [String] = []
        var offset: UInt64 = 0
        while true {
            let entries = try call {
                fileSystem.readdir(
                    inode, handle, offset: offset,
                    budget: DirectoryBudget(bytes: 4096, fixedBytes: 24), plus: false, $0)
            }
            guard let last = entries.last else { break }
            offset = last.next
            names += entries.compactMap { $0.name?.text }
        }
        try call { fileSystem.releasedir(inode, handle, $0) }
        return names
    }

    /// Lets every delay pass and everything reach the bucket.
    package func settle() { world.advance(by: .seconds(2)) }

    package func text(_ key: String) -> String? {
        guard let key = try? ObjectKey(key) else { return nil }
        return store.object(Self.bucket, key).map { String(decoding: $0.bytes, as: UTF8.self) }
    }
}
