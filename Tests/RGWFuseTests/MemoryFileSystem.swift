import RGWBase
import RGWSpool
import Synchronization

@testable import RGWVFS

/// A filesystem in memory, with knobs: what it answers from, what it puts off, what it refuses.
///
/// Guarded by `tree` and `observed`, never both at once.
final class MemoryFileSystem: FileSystemOperations {
    struct Options: Sendable {
        var readsFromFile = false
        /// Pieces a read in memory is answered in.
        var pieces = 1
        /// readdirplus leaves the attributes of entries with an odd place out.
        var plusLeavesOut = false
        var flushError: FileSystemError?
        var entryTimeout = Duration.seconds(1)
    }

    struct Observed {
        var requests: [String: Int] = [:]
        var writeSizes: [Int] = []
        var readSizes: [Int] = []
        var changes: [AttributeChanges] = []
        var forgotten: [InodeNumber: UInt64] = [:]
        var released = 0
        /// Writes by callers who may not keep set-ID bits.
        var dropped = 0
        var allocations: [String] = []
        /// Answers put off, in order of arrival.
        var parked: [@Sendable () -> Void] = []
    }

    let options: Options
    private let tree: Mutex<MemoryTree>
    private let observed = Mutex(Observed())

    init(_ options: Options = Options()) {
        self.options = options
        tree = Mutex(MemoryTree())
        tree.withLock { $0.timeout = options.entryTimeout }
    }

    var seen: Observed { observed.withLock { $0 } }

    /// The oldest answer put off.
    func nextParked() -> (@Sendable () -> Void)? {
        observed.withLock { $0.parked.isEmpty ? nil : $0.parked.removeFirst() }
    }

    func count(_ operation: String) {
        observed.withLock { $0.requests[operation, default: 0] += 1 }
    }

    /// Adds a file without going through the kernel.
    func addFile(_ name: EntryName) {
        tree.withLock {
            let root = Caller(uid: 0, gid: 0, umask: 0)
            _ = try? $0.add(.root, name, .regular, 0o644, root)
        }
    }

    func inode(_ name: EntryName) -> InodeNumber? {
        tree.withLock { try? $0.child(.root, name) }
    }

    private func send<Value: Sendable>(
        _ operation: String, _ reply: consuming Reply<Value>,
        _ body: (inout MemoryTree) throws(FileSystemError) -> Value
    ) {
        count(operation)
        reply.send(
            tree.withLock { tree in
                Result { () throws(FileSystemError) -> Value in try body(&tree) }
            })
    }

    /// `error-N` fails with the Nth error, `later-…` is answered when the test says so.
    func lookup(_ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<EntryAnswer>) {
        if name.text.hasPrefix("error-"), let index = Int(name.text.dropFirst(6)) {
            return reply.fail(FileSystemError.allCases[index])
        }
        if name.text.hasPrefix("later-") {
            let parked = reply.park()
            let answer = { @Sendable in
                parked.send(
                    self.tree.withLock { tree in
                        Result { () throws(FileSystemError) -> EntryAnswer in
                            try tree.entry(try tree.child(parent, name))
                        }
                    })
            }
            return observed.withLock { $0.parked.append(answer) }
        }
        send("lookup", reply) { (tree) throws(FileSystemError) in
            try tree.entry(try tree.child(parent, name))
        }
    }

    func forget(_ inode: InodeNumber, count: UInt64) {
        observed.withLock { $0.forgotten[inode, default: 0] += count }
    }

    func getattr(
        _ inode: InodeNumber, by handle: HandleID?, _ reply: consuming Reply<AttributeAnswer>
    ) {
        send("getattr", reply) { (tree) throws(FileSystemError) in
            try tree.attributeAnswer(inode)
        }
    }

    func hasPrivileges(_ inode: InodeNumber) -> Bool { false }

    func dropPrivileges(_ inode: InodeNumber) -> Bool {
        observed.withLock { $0.dropped += 1 }
        return false
    }

    func setattr(
        _ inode: InodeNumber, _ changes: AttributeChanges, _ caller: Caller,
        _ reply: consuming Reply<AttributeAnswer>
    ) {
        observed.withLock { $0.changes.append(changes) }
        send("setattr", reply) { (tree) throws(FileSystemError) in
            try tree.change(inode, changes)
            if let size = changes.size { try? tree.nodes[inode]?.file?.truncate(to: size) }
            return try tree.attributeAnswer(inode)
        }
    }

    func readlink(_ inode: InodeNumber, _ reply: consuming Reply<[UInt8]>) {
        send("readlink", reply) { (tree) throws(FileSystemError) in try tree.node(inode).target }
    }

    func symlink(
        _ parent: InodeNumber, _ name: EntryName, target: [UInt8], _ caller: Caller,
        _ reply: consuming Reply<EntryAnswer>
    ) {
        send("symlink", reply) { (tree) throws(FileSystemError) in
            let inode = try tree.add(parent, name, .symlink, 0o777, caller)
            tree.nodes[inode]?.target = target
            tree.nodes[inode]?.attributes.size = UInt64(target.count)
            return try tree.entry(inode)
        }
    }

    func mknod(
        _ parent: InodeNumber, _ name: EntryName, kind: FileKind, permissions: UInt32, rdev: UInt64,
        _ caller: Caller, _ reply: consuming Reply<EntryAnswer>
    ) {
        send("mknod", reply) { (tree) throws(FileSystemError) in
            try tree.entry(try tree.add(parent, name, kind, permissions, caller, rdev: rdev))
        }
    }

    func mkdir(
        _ parent: InodeNumber, _ name: EntryName, permissions: UInt32, _ caller: Caller,
        _ reply: consuming Reply<EntryAnswer>
    ) {
        send("mkdir", reply) { (tree) throws(FileSystemError) in
            try tree.entry(try tree.add(parent, name, .directory, permissions, caller))
        }
    }

    func unlink(_ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<Void>) {
        send("unlink", reply) { (tree) throws(FileSystemError) in
            try tree.remove(parent, name, directory: false)
        }
    }

    func rmdir(_ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<Void>) {
        send("rmdir", reply) { (tree) throws(FileSystemError) in
            try tree.remove(parent, name, directory: true)
        }
    }

    func rename(
        _ parent: InodeNumber, _ name: EntryName, to newParent: InodeNumber, _ newName: EntryName,
        _ mode: RenameMode, _ reply: consuming Reply<Void>
    ) {
        send("rename", reply) { (tree) throws(FileSystemError) in
            try tree.rename(parent, name, newParent, newName, mode)
        }
    }

    func allocate(
        _ inode: InodeNumber, _ handle: HandleID, _ range: Range<UInt64>, _ allocation: Allocation,
        _ caller: Caller, _ reply: consuming Reply<Void>
    ) {
        observed.withLock { $0.allocations.append("\(allocation) \(range)") }
        send("allocate", reply) { (tree) throws(FileSystemError) in _ = try tree.node(inode) }
    }

    func copyRange(_ range: FileSystem.CopyRange, _ reply: consuming Reply<UInt64>) {
        count("copyRange")
        reply.fail(.notSupported)
    }

    func seek(
        _ inode: InodeNumber, _ handle: HandleID, from offset: UInt64, hole: Bool,
        _ reply: consuming Reply<UInt64>
    ) {
        send("seek", reply) { (tree) throws(FileSystemError) in
            let size = try tree.node(inode).attributes.size
            if offset >= size { throw .noSuchOffset }
            return hole ? size : offset
        }
    }

    func statfs(_ reply: consuming Reply<VolumeStatistics>) {
        count("statfs")
        reply.succeed(
            VolumeStatistics(
                totalBytes: 1 << 40, freeBytes: 1 << 39, totalObjects: 1000, freeObjects: 900))
    }
}

// Open files.
extension MemoryFileSystem {
    func open(_ inode: InodeNumber, _ flags: OpenFlags, _ reply: consuming Reply<OpenAnswer>) {
        send("open", reply) { (tree) throws(FileSystemError) in
            _ = try tree.node(inode)
            if flags.truncate {
                tree.nodes[inode]?.attributes.size = 0
                try? tree.nodes[inode]?.file?.truncate(to: 0)
            }
            let handle = tree.nextHandle()
            tree.openFiles.insert(handle)
            return OpenAnswer(handle: handle, keepCache: false)
        }
    }

    func create(
        _ parent: InodeNumber, _ name: EntryName, permissions: UInt32, _ flags: OpenFlags,
        _ caller: Caller, _ reply: consuming Reply<CreateAnswer>
    ) {
        send("create", reply) { (tree) throws(FileSystemError) in
            let inode = try tree.add(parent, name, .regular, permissions, caller)
            let handle = tree.nextHandle()
            tree.openFiles.insert(handle)
            return CreateAnswer(
                entry: try tree.entry(inode), open: OpenAnswer(handle: handle, keepCache: false))
        }
    }

    private func file(_ inode: InodeNumber) -> MemoryFile? {
        tree.withLock { $0.nodes[inode]?.file }
    }

    func read(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, count: Int,
        _ reply: consuming Reply<ReadAnswer>
    ) {
        observed.withLock { $0.readSizes.append(count) }
        guard let file = file(inode) else { return reply.fail(.badHandle) }
        if options.readsFromFile {
            return reply.succeed(.file(file, offset: offset, count: count))
        }
        guard let bytes = try? file.read(at: offset, count: count) else {
            return reply.fail(.inputOutput)
        }
        let step = max(1, (bytes.count + options.pieces - 1) / options.pieces)
        reply.succeed(
            .bytes(
                stride(from: 0, to: bytes.count, by: step)
                    .map { bytes[$0..<min($0 + step, bytes.count)] }))
    }

    func write(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, bytes: Span<UInt8>,
        _: WriteOrigin, _ reply: consuming Reply<Int>
    ) {
        let count = bytes.count
        observed.withLock { $0.writeSizes.append(count) }
        guard let file = file(inode) else { return reply.fail(.badHandle) }
        do throws(SpoolError) {
            try file.write(bytes, at: offset)
        } catch {
            return reply.fail(.inputOutput)
        }
        tree.withLock {
            let size = $0.nodes[inode]?.attributes.size ?? 0
            $0.nodes[inode]?.attributes.size = max(size, offset + UInt64(count))
        }
        reply.succeed(count)
    }

    func flush(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>) {
        count("flush")
        if let error = options.flushError { reply.fail(error) } else { reply.succeed(()) }
    }

    func fsync(
        _ inode: InodeNumber, _ handle: HandleID, dataOnly: Bool, _ reply: consuming Reply<Void>
    ) {
        count(dataOnly ? "fdatasync" : "fsync")
        reply.succeed(())
    }

    func release(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>) {
        observed.withLock { $0.released += 1 }
        tree.withLock { _ = $0.openFiles.remove(handle) }
        reply.succeed(())
    }
}

// Directories and extended attributes.
extension MemoryFileSystem {
    func opendir(_ inode: InodeNumber, _ reply: consuming Reply<OpenAnswer>) {
        send("opendir", reply) { (tree) throws(FileSystemError) in
            OpenAnswer(handle: try tree.snapshot(inode), keepCache: false)
        }
    }

    func readdir(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, budget: DirectoryBudget,
        plus: Bool, _ reply: consuming Reply<[DirectoryEntry]>
    ) {
        send(plus ? "readdirplus" : "readdir", reply) { (tree) throws(FileSystemError) in
            guard let all = tree.directories[handle] else { throw .badHandle }
            var room = budget.bytes
            var entries: [DirectoryEntry] = []
            for var entry in all[min(Int(offset), all.count)...] {
                let name = entry.name?.bytes.count ?? entry.dots
                room -= budget.fixedBytes + (name + 7) / 8 * 8
                // One more than fits, which the sender must leave out and give back.
                if room < -400 { break }
                let leftOut = self.options.plusLeavesOut && entry.next % 2 == 1
                if plus && entry.name != nil && !leftOut {
                    entry.entry = try tree.entry(entry.inode)
                }
                entries.append(entry)
            }
            return entries
        }
    }

    func releasedir(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>) {
        send("releasedir", reply) { tree in tree.directories[handle] = nil }
    }

    func fsyncdir(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>) {
        count("fsyncdir")
        reply.succeed(())
    }

    func getxattr(_ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<[UInt8]>) {
        send("getxattr", reply) { (tree) throws(FileSystemError) in
            guard let value = try tree.node(inode).extended[name] else { throw .noAttribute }
            return value
        }
    }

    func listxattr(
        _ inode: InodeNumber, _ caller: Caller, _ reply: consuming Reply<[[UInt8]]>
    ) {
        send("listxattr", reply) { (tree) throws(FileSystemError) in
            try tree.node(inode).extended.keys.sorted { $0.lexicographicallyPrecedes($1) }
        }
    }

    func setxattr(
        _ inode: InodeNumber, _ name: [UInt8], value: [UInt8], create: Bool, replace: Bool,
        _ reply: consuming Reply<Void>
    ) {
        send("setxattr", reply) { (tree) throws(FileSystemError) in
            let exists = try tree.node(inode).extended[name] != nil
            if create && exists { throw .exists }
            if replace && !exists { throw .noAttribute }
            tree.nodes[inode]?.extended[name] = value
        }
    }

    func removexattr(_ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<Void>) {
        send("removexattr", reply) { (tree) throws(FileSystemError) in
            guard try tree.node(inode).extended[name] != nil else { throw .noAttribute }
            tree.nodes[inode]?.extended[name] = nil
        }
    }
}
