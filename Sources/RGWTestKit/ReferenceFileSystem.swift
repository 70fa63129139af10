/// What the mount must look like: the specification as a dictionary from paths to nodes.
package struct ReferenceFileSystem: Sendable {
    /// A file's content and what a crash may put in its place.
    package struct Body: Equatable, Sendable {
        package var bytes: [UInt8] = []
        package var mode: UInt32 = 0o644
        /// Before a replacement that no close or fsync has confirmed: a crash may bring it back.
        package var reverts: [Body] = []
        package var isUnflushed = false
    }

    package enum Node: Equatable, Sendable {
        case file(Int)
        case link(String)
        case directory(UInt32)
    }

    package private(set) var nodes: [String: Node] = ["": .directory(0o755)]
    /// Contents by file; a file without a name lives on while it is open.
    package var bodies: [Int: Body] = [:]
    private var nextBody = 0

    package init() {}

    package static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    package func isDirectory(_ path: String) -> Bool {
        if case .directory = nodes[path] { true } else { false }
    }

    package func body(_ path: String) -> Int? {
        if case .file(let body) = nodes[path] { body } else { nil }
    }

    package func children(_ path: String) -> [String] {
        nodes.keys.filter { !$0.isEmpty && Self.parent($0) == path }.sorted()
    }

    private func mayMake(_ path: String) -> Bool {
        nodes[path] == nil && isDirectory(Self.parent(path))
    }

    // MARK: Operations; nil or false: refused

    package mutating func create(_ path: String) -> Int? {
        guard mayMake(path) else { return nil }
        nextBody += 1
        bodies[nextBody] = Body(isUnflushed: true)
        nodes[path] = .file(nextBody)
        return nextBody
    }

    package mutating func makeDirectory(_ path: String) -> Bool {
        guard mayMake(path) else { return false }
        nodes[path] = .directory(0o755)
        return true
    }

    package mutating func makeLink(_ path: String, _ target: String) -> Bool {
        guard mayMake(path) else { return false }
        nodes[path] = .link(target)
        return true
    }

    package mutating func unlink(_ path: String) -> Bool {
        guard let node = nodes[path] else { return false }
        if case .directory = node { return false }
        nodes[path] = nil
        return true
    }

    package mutating func removeDirectory(_ path: String) -> Bool {
        guard !path.isEmpty, isDirectory(path), children(path).isEmpty else { return false }
        nodes[path] = nil
        return true
    }

    package mutating func rename(_ old: String, _ new: String, noReplace: Bool) -> Bool {
        guard let node = nodes[old], isDirectory(Self.parent(new)), !old.isEmpty, !new.isEmpty,
            !new.hasPrefix(old + "/"), !old.hasPrefix(new + "/")
        else { return false }
        if old == new { return true }
        if let target = nodes[new] {
            if noReplace { return false }
            switch (node, target) {
            case (.directory, .directory): if !children(new).isEmpty { return false }
            case (.directory, _), (_, .directory): return false
            default: break
            }
        }
        nodes[new] = node
        nodes[old] = nil
        for path in nodes.keys where path.hasPrefix(old + "/") {
            nodes[new + path.dropFirst(old.count)] = nodes[path]
            nodes[path] = nil
        }
        return true
    }

    package mutating func setMode(_ path: String, _ mode: UInt32) -> Bool {
        switch nodes[path] {
        case .file(let body): bodies[body]?.mode = mode
        case .directory: nodes[path] = .directory(mode)
        case .link, nil: return false
        }
        return true
    }

    // MARK: Contents

    package mutating func write(_ body: Int, _ bytes: [UInt8], at offset: Int) {
        var old = bodies[body]?.bytes ?? []
        let end = offset + bytes.count
        if old.count < end { old += [UInt8](repeating: 0, count: end - old.count) }
        old.replaceSubrange(offset..<end, with: bytes)
        bodies[body]?.bytes = old
        bodies[body]?.isUnflushed = true
    }

    /// `confirmed`: nobody has it open for writing, so that the cut is a change of its own.
    package mutating func truncate(_ body: Int, to size: Int, confirmed: Bool) {
        guard var now = bodies[body] else { return }
        if size == 0, !confirmed, !now.bytes.isEmpty {
            var old = now
            old.reverts = []
            now.reverts.append(old)
        }
        if size <= now.bytes.count {
            now.bytes = Array(now.bytes[..<size])
        } else {
            now.bytes += [UInt8](repeating: 0, count: size - now.bytes.count)
        }
        bodies[body] = now
        if confirmed { flush(body) } else { bodies[body]?.isUnflushed = true }
    }

    package mutating func flush(_ body: Int) {
        bodies[body]?.reverts = []
        bodies[body]?.isUnflushed = false
    }

    /// Takes over what was found where the specification leaves a choice.
    package mutating func adopt(_ path: String, _ node: Node?) { nodes[path] = node }
}
