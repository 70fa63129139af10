/// One system call of a `CrashStep`.
enum CrashCall: Sendable {
    case create(String)
    case open(String, truncate: Bool)
    /// On the descriptor opened last.
    case write([UInt8], offset: Int)
    case fsync
    case close
    case truncate(String, Int)
    case chmod(String, UInt32)
    case symlink(String)
    case mkdir(String)
    case rmdir(String)
    case unlink(String)
    case rename(String, String)
    case fsyncdir(String)
}

/// The specification of an exhaustive run: the tree, and the descriptor that is open.
struct CrashModel: Sendable {
    private(set) var tree = ReferenceFileSystem()
    /// Content of the descriptor opened last, while it is open.
    private var open: Int?
    /// Contents that a program has open for writing and will never close.
    private var held: Set<Int> = []

    /// What every run begins with: two directories and one file, all in the bucket.
    static let planted = "planted"
    static let target = "target"

    init() {
        for directory in CrashStep.directories { _ = tree.makeDirectory(directory) }
        if let body = tree.create(CrashStep.paths[0]) {
            tree.write(body, Array(Self.planted.utf8), at: 0)
            tree.flush(body)
        }
    }

    static func accepts(_ steps: [CrashStep]) -> Bool {
        var model = CrashModel()
        for (index, step) in steps.enumerated() {
            for call in model.calls(step, number: index) where !model.apply(call) { return false }
        }
        return true
    }

    /// The content that step `number` writes: found nowhere else.
    private static func content(_ number: Int) -> [UInt8] {
        Array("step\(number) ".utf8)
    }

    /// The calls a program makes for it now.
    func calls(_ step: CrashStep, number: Int) -> [CrashCall] {
        var calls: [CrashCall] = []
        let bytes = Self.content(number)
        switch step.action {
        case .save(let path), .hold(let path):
            calls.append(
                tree.nodes[path] == nil ? .create(path) : .open(path, truncate: true))
            calls.append(.write(bytes, offset: 0))
        case .patch(let path):
            calls += [.open(path, truncate: false), .write(Array(bytes.suffix(2)), offset: 1)]
        case .append(let path):
            let end = tree.body(path).flatMap { tree.bodies[$0]?.bytes.count } ?? 0
            calls += [.open(path, truncate: false), .write(bytes, offset: end)]
        case .cut(let path): calls.append(.truncate(path, 2))
        case .empty(let path): calls.append(.truncate(path, 0))
        case .chmod(let path): calls.append(.chmod(path, 0o600 + UInt32(number)))
        case .symlink(let path): calls.append(.symlink(path))
        case .mkdir(let path): calls.append(.mkdir(path))
        case .rmdir(let path): calls.append(.rmdir(path))
        case .unlink(let path): calls.append(.unlink(path))
        case .rename(let old, let new): calls.append(.rename(old, new))
        }
        if step.sync == .fsync { calls.append(.fsync) }
        switch step.action {
        case .save, .patch, .append: calls.append(.close)
        default: break
        }
        if step.sync == .fsyncdir {
            calls.append(.fsyncdir(ReferenceFileSystem.parent(step.path)))
        }
        return calls
    }

    /// False: a filesystem refuses it.
    mutating func apply(_ call: CrashCall) -> Bool {
        switch call {
        case .create(let path):
            open = tree.create(path)
            return open != nil
        case .open(let path, let truncate):
            open = tree.body(path)
            guard let open else { return false }
            if truncate { tree.truncate(open, to: 0, confirmed: false) }
        case .write(let bytes, let offset):
            guard let open else { return false }
            tree.write(open, bytes, at: offset)
        case .fsync: if let open { tree.flush(open) }
        case .close:
            if let open { tree.flush(open) }
            open = nil
        case .truncate(let path, let size):
            guard let body = tree.body(path) else { return false }
            tree.truncate(body, to: size, confirmed: !held.contains(body) && open != body)
        case .chmod(let path, let mode):
            if case .link = tree.nodes[path] { return false }
            return tree.setMode(path, mode)
        case .symlink(let path): return tree.makeLink(path, Self.target)
        case .mkdir(let path): return tree.makeDirectory(path)
        case .rmdir(let path): return tree.removeDirectory(path)
        case .unlink(let path): return tree.unlink(path)
        case .rename(let old, let new): return tree.rename(old, new, noReplace: false)
        case .fsyncdir(let path): return tree.isDirectory(path)
        }
        return true
    }

    /// The program keeps what it has open, for ever.
    mutating func hold() {
        if let open { held.insert(open) }
        open = nil
    }
}
