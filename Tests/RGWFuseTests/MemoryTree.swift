import RGWBase

@testable import RGWVFS

/// The state of `MemoryFileSystem`: inodes, names and handles, without any I/O.
struct MemoryTree {
    struct Node {
        var attributes: FileAttributes
        var children: [EntryName: InodeNumber] = [:]
        var file: MemoryFile?
        var target: [UInt8] = []
        var extended: [[UInt8]: [UInt8]] = [:]
        var links = 1
        /// What the kernel holds, as this side counts it.
        var lookups: UInt64 = 0
    }

    var nodes: [InodeNumber: Node] = [:]
    var directories: [HandleID: [DirectoryEntry]] = [:]
    var openFiles: Set<HandleID> = []
    var timeout = Duration.seconds(1)
    private var last: UInt64 = 1
    private var clock: Int64 = 1_000_000_000

    init() {
        nodes[.root] = Node(attributes: attributes(.directory, 0o755, uid: 0, gid: 0))
    }

    mutating func attributes(
        _ kind: FileKind, _ permissions: UInt32, uid: UInt32, gid: UInt32, rdev: UInt64 = 0
    ) -> FileAttributes {
        let now = tick()
        return FileAttributes(
            kind: kind, permissions: permissions, uid: uid, gid: gid, mtime: now, ctime: now,
            atime: now, rdev: rdev)
    }

    mutating func tick() -> WallTime {
        clock += 1
        return WallTime(seconds: clock, nanoseconds: 123_456_789)
    }

    mutating func nextHandle() -> HandleID {
        last += 1
        return HandleID(last)
    }

    func node(_ inode: InodeNumber) throws(FileSystemError) -> Node {
        guard let node = nodes[inode] else { throw .stale }
        return node
    }

    func child(_ parent: InodeNumber, _ name: EntryName) throws(FileSystemError) -> InodeNumber {
        guard let child = try node(parent).children[name] else { throw .notFound }
        return child
    }

    /// The answer to an operation that hands a reference to the kernel.
    mutating func entry(_ inode: InodeNumber) throws(FileSystemError) -> EntryAnswer {
        let node = try node(inode)
        nodes[inode]?.lookups += 1
        return EntryAnswer(
            inode: inode, attributes: node.attributes, entryTimeout: timeout,
            attributeTimeout: timeout)
    }

    func attributeAnswer(_ inode: InodeNumber) throws(FileSystemError) -> AttributeAnswer {
        AttributeAnswer(inode: inode, attributes: try node(inode).attributes, timeout: timeout)
    }

    mutating func add(
        _ parent: InodeNumber, _ name: EntryName, _ kind: FileKind, _ permissions: UInt32,
        _ caller: Caller, rdev: UInt64 = 0
    ) throws(FileSystemError) -> InodeNumber {
        guard try node(parent).children[name] == nil else { throw .exists }
        last += 1
        let inode = InodeNumber(last)
        let attributes = attributes(
            kind, permissions, uid: caller.uid, gid: caller.gid, rdev: rdev)
        nodes[inode] = Node(
            attributes: attributes, file: kind == .regular ? MemoryFile() : nil)
        nodes[parent]?.children[name] = inode
        return inode
    }

    mutating func remove(
        _ parent: InodeNumber, _ name: EntryName, directory: Bool
    ) throws(FileSystemError) {
        let inode = try child(parent, name)
        let node = try node(inode)
        if directory && node.attributes.kind != .directory { throw .notDirectory }
        if !directory && node.attributes.kind == .directory { throw .isDirectory }
        guard node.children.isEmpty else { throw .notEmpty }
        nodes[parent]?.children[name] = nil
        nodes[inode]?.links = 0
    }

    mutating func rename(
        _ parent: InodeNumber, _ name: EntryName, _ newParent: InodeNumber, _ newName: EntryName,
        _ mode: RenameMode
    ) throws(FileSystemError) {
        let inode = try child(parent, name)
        let old = nodes[newParent]?.children[newName]
        switch mode {
        case .noReplace where old != nil: throw .exists
        case .exchange:
            guard let old else { throw .notFound }
            nodes[parent]?.children[name] = old
        case .replace, .noReplace:
            nodes[parent]?.children[name] = nil
        }
        nodes[newParent]?.children[newName] = inode
    }

    mutating func change(
        _ inode: InodeNumber, _ changes: AttributeChanges
    ) throws(FileSystemError) {
        var node = try node(inode)
        let now = tick()
        func time(_ time: AttributeChanges.Time) -> WallTime {
            switch time {
            case .now: now
            case .at(let time): time
            }
        }
        if let permissions = changes.permissions { node.attributes.permissions = permissions }
        if let uid = changes.uid { node.attributes.uid = uid }
        if let gid = changes.gid { node.attributes.gid = gid }
        if let size = changes.size { node.attributes.size = size }
        if let atime = changes.atime { node.attributes.atime = time(atime) }
        if let mtime = changes.mtime { node.attributes.mtime = time(mtime) }
        if let ctime = changes.ctime { node.attributes.ctime = ctime }
        nodes[inode] = node
    }

    /// The entries of a directory in a fixed order, with offsets that a later readdir may start
    /// from.
    mutating func snapshot(_ inode: InodeNumber) throws(FileSystemError) -> HandleID {
        let node = try node(inode)
        var entries: [DirectoryEntry] = []
        for dots in 1...2 {
            entries.append(
                DirectoryEntry(
                    name: nil, dots: dots, inode: inode, kind: .directory,
                    next: UInt64(dots), entry: nil))
        }
        for (name, child) in node.children.sorted(by: { $0.key < $1.key }) {
            let kind = nodes[child]?.attributes.kind ?? .regular
            entries.append(
                DirectoryEntry(
                    name: name, dots: 0, inode: child, kind: kind,
                    next: UInt64(entries.count + 1), entry: nil))
        }
        let handle = nextHandle()
        directories[handle] = entries
        return handle
    }
}
