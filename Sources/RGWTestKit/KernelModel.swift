package import RGWBase
import RGWSpool
package import RGWVFS

/// What the Linux kernel keeps and does in front of one mount: it believes names, attributes and sizes for as long
/// as it was told, opens what it believes without asking, takes the offset of an append from the size it knows,
/// serves reads from its pages, and looks names up anew when it is told ESTALE.
///
/// Files are smaller than a page here. Source: linux fs/fuse/dir.c, file.c and readdir.c; fs/namei.c, retry_estale.
package final class KernelModel {
    package struct File: Sendable {
        package var inode: InodeNumber
        package var handle: HandleID
        package var appends: Bool
    }

    private struct Place: Hashable {
        var parent: InodeNumber
        var name: String
    }
    private struct Dentry {
        var inode: InodeNumber
        var until: Instant
    }
    private struct Node {
        var attributes: FileAttributes
        var until: Instant
        /// nil: no page is cached.
        var page: [UInt8]?
    }

    private static let pageBytes = 4096
    package let volume: Volume
    private var dentries: [Place: Dentry] = [:]
    private var nodes: [InodeNumber: Node] = [:]

    package init(_ volume: Volume) { self.volume = volume }

    private var fileSystem: FileSystem { volume.fileSystem }
    private var now: Instant { volume.world.now() }

    /// Runs one operation to its answer, and lets time pass when that is what it waits for.
    private func call<Value: Sendable>(
        _ operation: (consuming Reply<Value>) -> Void
    ) throws(FileSystemError) -> Value {
        let box = volume.begin(operation)
        for _ in 0..<600 where box.result == nil {
            while box.result == nil, volume.world.step() {}
            if box.result == nil { volume.world.advance(by: .milliseconds(500)) }
        }
        guard let result = box.result else { preconditionFailure("the operation never answered") }
        return try result.get()
    }

    // MARK: Names

    private static func parts(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init)
    }

    private func name(_ text: String) throws(FileSystemError) -> EntryName {
        do { return try EntryName(Array(text.utf8)) } catch { throw .invalidArgument }
    }

    private func note(_ entry: EntryAnswer, at place: Place) {
        dentries[place] = Dentry(inode: entry.inode, until: now + entry.entryTimeout)
        note(entry.attributes, of: entry.inode, for: entry.attributeTimeout)
    }

    /// A new size throws the pages away. Source: fuse_change_attributes.
    private func note(
        _ attributes: FileAttributes, of inode: InodeNumber, for timeout: Duration
    ) {
        let old = nodes[inode]
        nodes[inode] = Node(
            attributes: attributes, until: now + timeout,
            page: old?.attributes.size == attributes.size ? old?.page : nil)
    }

    private func lookUp(_ place: Place) throws(FileSystemError) -> InodeNumber {
        let name = try name(place.name)
        do throws(FileSystemError) {
            let entry = try call { fileSystem.lookup(place.parent, name, $0) }
            note(entry, at: place)
            return entry.inode
        } catch {
            dentries[place] = nil
            throw error
        }
    }

    /// What the mount has said of itself. Source: fuse_reverse_inval_entry, fuse_reverse_inval_inode.
    private func hear() {
        for notice in volume.notices.takeAll() {
            switch notice {
            case .entry(let parent, let name):
                dentries[Place(parent: parent, name: name.text)] = nil
            case .attributes(let inode): nodes[inode]?.until = now
            case .content(let inode):
                nodes[inode]?.until = now
                nodes[inode]?.page = nil
            }
        }
    }

    private func walk(_ parts: [String], asking: Bool) throws(FileSystemError) -> InodeNumber {
        hear()
        var current = InodeNumber.root
        for part in parts {
            let place = Place(parent: current, name: part)
            if !asking, let known = dentries[place], known.until > now {
                current = known.inode
            } else {
                current = try lookUp(place)
            }
        }
        return current
    }

    /// ESTALE: once more, and nothing is believed.
    private func retrying<Value>(
        _ body: (_ asking: Bool) throws(FileSystemError) -> Value
    ) throws(FileSystemError) -> Value {
        do throws(FileSystemError) { return try body(false) } catch {
            guard error == .stale else { throw error }
            return try body(true)
        }
    }

    private func place(_ path: String, asking: Bool) throws(FileSystemError) -> Place {
        let parts = Self.parts(path)
        let parent = try walk(parts.dropLast(), asking: asking)
        return Place(parent: parent, name: parts.last ?? "")
    }

    // MARK: Attributes

    package func attributes(_ path: String) throws(FileSystemError) -> FileAttributes {
        try retrying { asking throws(FileSystemError) in
            let inode = try walk(Self.parts(path), asking: asking)
            try refresh(inode)
            guard let known = nodes[inode] else { throw .stale }
            return known.attributes
        }
    }

    /// `handle`: a read asks. Source: fuse_do_getattr.
    private func refresh(
        _ inode: InodeNumber, by handle: HandleID? = nil
    ) throws(FileSystemError) {
        if let known = nodes[inode], known.until > now { return }
        let answer = try call { fileSystem.getattr(inode, by: handle, $0) }
        note(answer.attributes, of: inode, for: answer.timeout)
    }

    package func change(
        _ path: String, _ edit: (inout AttributeChanges) -> Void
    ) throws(FileSystemError) {
        var changes = AttributeChanges()
        edit(&changes)
        try retrying { asking throws(FileSystemError) in
            let inode = try walk(Self.parts(path), asking: asking)
            let answer = try call { fileSystem.setattr(inode, changes, Volume.caller, $0) }
            note(answer.attributes, of: inode, for: answer.timeout)
            if changes.size != nil { nodes[inode]?.page = nil }
        }
    }

    package func setExtended(
        _ path: String, _ name: String, _ value: String
    ) throws(FileSystemError) {
        try retrying { asking throws(FileSystemError) in
            let inode = try walk(Self.parts(path), asking: asking)
            try call {
                fileSystem.setxattr(
                    inode, Array(name.utf8), value: Array(value.utf8), create: false,
                    replace: false, $0)
            }
            nodes[inode]?.until = now
        }
    }

    package func extended(_ path: String, _ name: String) throws(FileSystemError) -> String? {
        let inode = try walk(Self.parts(path), asking: false)
        do throws(FileSystemError) {
            let value = try call { fileSystem.getxattr(inode, Array(name.utf8), $0) }
            return String(decoding: value, as: UTF8.self)
        } catch {
            guard error == .noAttribute else { throw error }
            return nil
        }
    }

    // MARK: Files

    package func open(
        _ path: String, _ flags: OpenFlags, creates: Bool = false
    ) throws(FileSystemError) -> File {
        try retrying { asking throws(FileSystemError) in
            let inode: InodeNumber
            do throws(FileSystemError) {
                inode = try walk(Self.parts(path), asking: asking)
            } catch {
                guard creates, error == .notFound else { throw error }
                return try create(path, flags, asking: asking)
            }
            let open = try call { fileSystem.open(inode, flags, $0) }
            if !open.keepCache { nodes[inode]?.page = nil }
            if flags.truncate {
                nodes[inode]?.attributes.size = 0
                nodes[inode]?.page = nil
                nodes[inode]?.until = now
            }
            return File(inode: inode, handle: open.handle, appends: flags.append)
        }
    }

    private func create(
        _ path: String, _ flags: OpenFlags, asking: Bool
    ) throws(FileSystemError) -> File {
        let place = try place(path, asking: asking)
        let name = try name(place.name)
        let made = try call {
            fileSystem.create(place.parent, name, permissions: 0o644, flags, Volume.caller, $0)
        }
        note(made.entry, at: place)
        nodes[made.entry.inode]?.page = nil
        return File(
            inode: made.entry.inode, handle: made.open.handle, appends: flags.append)
    }

    /// Everything from `offset` on. Source: fuse_cache_read_iter, fuse_short_read.
    package func read(_ file: File, from offset: Int = 0) throws(FileSystemError) -> [UInt8] {
        hear()
        try refresh(file.inode, by: file.handle)
        guard let known = nodes[file.inode], offset < known.attributes.size else { return [] }
        if known.page == nil {
            let bytes = try fetch(file)
            nodes[file.inode]?.page = bytes
            // A short answer is the file's end.
            if bytes.count < known.attributes.size {
                nodes[file.inode]?.attributes.size = UInt64(bytes.count)
            }
        }
        guard let node = nodes[file.inode], let page = node.page else { return [] }
        return Array(page.prefix(Int(node.attributes.size)).dropFirst(offset))
    }

    private func fetch(_ file: File) throws(FileSystemError) -> [UInt8] {
        let answer = try call {
            fileSystem.read(file.inode, file.handle, offset: 0, count: Self.pageBytes, $0)
        }
        switch answer {
        case .bytes(let slices): return slices.flatMap { Array($0) }
        case .file(let spool, let offset, let count):
            do { return try spool.read(at: offset, count: count) } catch { throw .inputOutput }
        }
    }

    /// Whoever appends writes behind the end that the kernel knows. Source: generic_write_checks.
    package func write(
        _ file: File, _ bytes: [UInt8], at offset: Int = 0
    ) throws(FileSystemError) {
        hear()
        let size = Int(nodes[file.inode]?.attributes.size ?? 0)
        let start = file.appends ? size : offset
        let origin: WriteOrigin = file.appends ? .append : []
        let count = try call {
            fileSystem.write(
                file.inode, file.handle, offset: UInt64(start), bytes: bytes.span, origin, $0)
        }
        precondition(count == bytes.count)
        let end = start + count
        if var page = nodes[file.inode]?.page {
            page += [UInt8](repeating: 0, count: max(0, end - page.count))
            page.replaceSubrange(start..<end, with: bytes)
            nodes[file.inode]?.page = page
        }
        nodes[file.inode]?.attributes.size = UInt64(max(size, end))
        nodes[file.inode]?.until = now
    }

    package func fsync(_ file: File) throws(FileSystemError) {
        try call { fileSystem.fsync(file.inode, file.handle, dataOnly: false, $0) }
    }

    package func close(_ file: File) throws(FileSystemError) {
        defer { volume.release((file.inode, file.handle)) }
        try call { fileSystem.flush(file.inode, file.handle, $0) }
    }

    // MARK: Directories

    package func unlink(_ path: String) throws(FileSystemError) {
        try retrying { asking throws(FileSystemError) in
            _ = try walk(Self.parts(path), asking: asking)
            let place = try place(path, asking: asking)
            let name = try name(place.name)
            try call { fileSystem.unlink(place.parent, name, $0) }
            dentries[place] = nil
        }
    }

    package func rename(_ old: String, _ new: String) throws(FileSystemError) {
        try retrying { asking throws(FileSystemError) in
            _ = try walk(Self.parts(old), asking: asking)
            do throws(FileSystemError) {
                _ = try walk(Self.parts(new), asking: asking)
            } catch {
                guard error == .notFound else { throw error }
            }
            let (from, to) = (
                try place(old, asking: asking), try place(new, asking: asking)
            )
            let (name, newName) = (try name(from.name), try name(to.name))
            try call {
                fileSystem.rename(from.parent, name, to: to.parent, newName, .replace, $0)
            }
            dentries[to] = dentries[from]
            dentries[from] = nil
        }
    }

    /// With the attributes that come along, as READDIRPLUS. Source: fuse_direntplus_link.
    package func list(_ path: String) throws(FileSystemError) -> [String] {
        let inode = try retrying { asking throws(FileSystemError) in
            try walk(Self.parts(path), asking: asking)
        }
        let handle = try call { fileSystem.opendir(inode, $0) }.handle
        defer { _ = volume.begin { fileSystem.releasedir(inode, handle, $0) } }
        var names: [String] = []
        var offset: UInt64 = 0
        while true {
            let entries = try call {
                fileSystem.readdir(
                    inode, handle, offset: offset,
                    budget: DirectoryBudget(bytes: 4096, fixedBytes: 152), plus: true, $0)
            }
            guard let last = entries.last else { return names.sorted() }
            offset = last.next
            for entry in entries {
                guard let name = entry.name else { continue }
                names.append(name.text)
                if let known = entry.entry {
                    note(known, at: Place(parent: inode, name: name.text))
                }
            }
        }
    }

    /// Memory is short: names are forgotten, except of files that are open.
    package func shrink(keeping open: Set<InodeNumber>) {
        dentries = [:]
        for inode in nodes.keys.sorted() where inode != .root && !open.contains(inode) {
            nodes[inode] = nil
            fileSystem.forget(inode, count: .max)
        }
    }
}
