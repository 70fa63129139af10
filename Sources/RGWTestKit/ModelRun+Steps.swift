package import RGWBase
import RGWObject
import RGWVFS

/// The operations, on both sides.
extension ModelRun {
    private func freeHandle() -> Int? { handles.firstIndex { $0 == nil } }

    private func isWritten(_ body: Int) -> Bool {
        handles.contains { $0.map { $0.body == body && $0.write } ?? false }
    }

    func make(_ operation: ModelOperation) throws {
        var next = model
        switch operation {
        case .create(let path):
            guard let free = freeHandle() else { return }
            let body = next.create(path)
            var file: (InodeNumber, HandleID)?
            if try attempt(
                body != nil, { () throws(FileSystemError) in file = try volume.create(path) }),
                let body, let file
            {
                model = next
                handles[free] = Handle(file: file, body: body, write: true)
            }
        case .open(let path, let write, let truncate):
            guard let free = freeHandle(), next.isDirectory(path) == false else { return }
            if case .link = next.nodes[path] { return }
            let body = next.body(path)
            if let body, truncate { next.truncate(body, to: 0, confirmed: false) }
            var file: (InodeNumber, HandleID)?
            let done = try attempt(body != nil) { () throws(FileSystemError) in
                file = try volume.open(path, write: write, truncate: truncate)
            }
            if done, let body, let file {
                model = next
                handles[free] = Handle(file: file, body: body, write: write)
            }
        case .save(let path, let count, let fill):
            guard freeHandle() != nil else { return }
            let index = freeHandle() ?? 0
            let before = handles.map { $0 == nil }
            if next.nodes[path] == nil {
                try make(.create(path))
            } else {
                try make(.open(path, write: true, truncate: true))
            }
            guard before != handles.map({ $0 == nil }) else { return }
            try useHandle(.write(handle: index, offset: 0, count: count, fill: fill))
            try useHandle(.close(handle: index))
        case .symlink(let path, let target):
            if try attempt(
                next.makeLink(path, target),
                { () throws(FileSystemError) in
                    try volume.symlink(path, target)
                })
            {
                model = next
            }
        case .mkdir(let path):
            if try attempt(
                next.makeDirectory(path),
                { () throws(FileSystemError) in
                    try volume.mkdir(path)
                })
            {
                model = next
            }
        default: break
        }
    }

    func useHandle(_ operation: ModelOperation) throws {
        switch operation {
        case .write(let index, let offset, let count, let fill):
            guard let handle = handles[index], handle.write else { return }
            try write(handle, [UInt8](repeating: fill, count: count), at: offset)
        case .append(let index, let count, let fill):
            guard let handle = handles[index], handle.write else { return }
            let end = model.bodies[handle.body]?.bytes.count ?? 0
            try write(handle, [UInt8](repeating: fill, count: count), at: end)
        case .cut(let index, let size):
            guard let handle = handles[index], handle.write else { return }
            let done = try attempt(true) { () throws(FileSystemError) in
                var changes = AttributeChanges()
                changes.size = UInt64(size)
                let before = changes
                _ = try volume.call {
                    volume.fileSystem.setattr(handle.file.0, before, Volume.caller, $0)
                }
            }
            if done { model.truncate(handle.body, to: size, confirmed: false) }
        case .read(let index):
            guard let handle = handles[index] else { return }
            var bytes: [UInt8] = []
            let done = try attempt(true) { () throws(FileSystemError) in
                bytes = try volume.read(handle.file)
            }
            if done, bytes != model.bodies[handle.body]?.bytes {
                try fail("read \(show(bytes)), not \(show(model.bodies[handle.body]?.bytes))")
            }
        case .fsync(let index):
            guard let handle = handles[index], handle.write else { return }
            do throws(FileSystemError) {
                try call {
                    volume.fileSystem.fsync(handle.file.0, handle.file.1, dataOnly: false, $0)
                }
            } catch {
                if faults.count == 0 { try fail("failed: \(error)") }
            }
            model.flush(handle.body)
        case .close(let index):
            guard let handle = handles[index] else { return }
            do throws(FileSystemError) { try volume.close(handle.file) } catch {
                if faults.count == 0 { try fail("failed: \(error)") }
            }
            handles[index] = nil
            if handle.write { model.flush(handle.body) }
        default: break
        }
    }

    private func write(_ handle: Handle, _ bytes: [UInt8], at offset: Int) throws {
        let done = try attempt(true) { () throws(FileSystemError) in
            try volume.write(
                handle.file, String(decoding: bytes, as: UTF8.self), at: UInt64(offset))
        }
        if done { model.write(handle.body, bytes, at: offset) }
    }

    /// Runs an operation that may have to wait for time to pass.
    private func call<Value: Sendable>(
        _ operation: (consuming Reply<Value>) -> Void
    )
        throws(FileSystemError) -> Value
    {
        let box = volume.begin(operation)
        for _ in 0..<300 where box.result == nil {
            while box.result == nil, volume.world.step() {}
            if box.result == nil { volume.world.advance(by: .seconds(1)) }
        }
        guard let result = box.result else { preconditionFailure("the operation never answered") }
        return try result.get()
    }

    func change(_ operation: ModelOperation) throws {
        var next = model
        switch operation {
        case .truncate(let path, let size):
            guard let body = model.body(path) else { return }
            next.truncate(body, to: size, confirmed: !isWritten(body))
            if try attempt(
                true,
                { () throws(FileSystemError) in
                    try volume.change(path) { $0.size = UInt64(size) }
                })
            {
                model = next
            }
        case .chmod(let path, let mode):
            if case .link = model.nodes[path] { return }
            if try attempt(
                next.setMode(path, mode),
                { () throws(FileSystemError) in
                    try volume.change(path) { $0.permissions = mode }
                })
            {
                model = next
            }
        case .touch(let path):
            _ = try attempt(model.nodes[path] != nil) { () throws(FileSystemError) in
                try volume.change(path) { $0.mtime = .now }
            }
        default: break
        }
    }

    func move(_ operation: ModelOperation) throws {
        var next = model
        switch operation {
        case .rmdir(let path):
            if plan.stranger { return }
            if try attempt(
                next.removeDirectory(path),
                { () throws(FileSystemError) in
                    try volume.rmdir(path)
                })
            {
                model = next
            }
        case .unlink(let path):
            if try attempt(
                next.unlink(path),
                { () throws(FileSystemError) in
                    try volume.unlink(path)
                })
            {
                model = next
            }
        case .rename(let old, let new, let noReplace):
            // The kernel refuses to move a directory below itself, and asks nobody when nothing moves.
            if old == new || new.hasPrefix(old + "/") || old.hasPrefix(new + "/") { return }
            if plan.stranger, model.isDirectory(old) { return }
            let expected = next.rename(old, new, noReplace: noReplace)
            if try attempt(
                expected,
                { () throws(FileSystemError) in
                    try volume.rename(old, new, noReplace ? .noReplace : .replace)
                })
            {
                model = next
            }
        default: break
        }
    }

    // MARK: Comparing

    func show(_ bytes: [UInt8]?) -> String {
        bytes.map { "\"" + String(decoding: $0, as: UTF8.self) + "\"" } ?? "nothing"
    }

    /// The mount shows what the specification has.
    func compareView() throws {
        try faults.suspended { try compare("") }
    }

    private func compare(_ directory: String) throws {
        var names: [String] = []
        do { names = try volume.names(in: directory) } catch {
            try fail("listing \(directory): \(error)")
        }
        names = names.filter { $0 != "zz" && $0 != "z" }
        let paths = names.map { directory.isEmpty ? $0 : directory + "/" + $0 }.sorted()
        if paths != model.children(directory) {
            try fail("\"\(directory)\" shows \(paths), not \(model.children(directory))")
        }
        for path in paths {
            let attributes: FileAttributes
            do { attributes = try volume.attributes(path) } catch { try fail("\(path): \(error)") }
            switch model.nodes[path] {
            case .file(let body):
                let expected = model.bodies[body]
                let bytes = Array(try load(path).utf8)
                if bytes != expected?.bytes {
                    try fail("\(path) has \(show(bytes)), not \(show(expected?.bytes))")
                }
                if attributes.size != UInt64(bytes.count) || attributes.kind != .regular {
                    try fail("\(path) has \(attributes)")
                }
                if attributes.permissions != expected?.mode {
                    try fail("\(path) has mode \(String(attributes.permissions, radix: 8))")
                }
            case .link(let target):
                guard attributes.kind == .symlink else { try fail("\(path) is no link") }
                let found = try? volume.readlink(path)
                if found != target { try fail("\(path) leads to \(found ?? "nothing")") }
            case .directory(let mode):
                if attributes.kind != .directory || attributes.permissions != mode {
                    try fail("\(path) has \(attributes)")
                }
                try compare(path)
            case nil: break
            }
        }
    }

    /// The bucket has what the specification has, markers aside.
    func compareBucket() throws {
        let keys = volume.store.keys(Volume.bucket).filter {
            !$0.hasSuffix("/") && !$0.hasSuffix("zz") && !$0.hasPrefix("z/")
        }
        let paths = model.nodes.keys.filter { !model.isDirectory($0) }.sorted()
        if keys != paths { try fail("the bucket has \(keys), not \(paths)") }
        for path in paths {
            let found = volume.text(path).map { Array($0.utf8) }
            let expected: [UInt8]? =
                switch model.nodes[path] {
                case .file(let body): model.bodies[body]?.bytes
                case .link(let target): Array(target.utf8)
                default: nil
                }
            if found != expected {
                try fail("the object \(path) has \(show(found)), not \(show(expected))")
            }
        }
    }
}

extension Volume {
    package func symlink(_ path: String, _ target: String) throws(FileSystemError) {
        let parent = try inode(ReferenceFileSystem.parent(path))
        guard let last = path.split(separator: "/").last,
            let name = try? EntryName(Array(last.utf8))
        else { throw .invalidArgument }
        _ = try call {
            fileSystem.symlink(parent, name, target: Array(target.utf8), Self.caller, $0)
        }
    }

    package func readlink(_ path: String) throws(FileSystemError) -> String {
        let inode = try inode(path)
        return String(decoding: try call { fileSystem.readlink(inode, $0) }, as: UTF8.self)
    }
}
