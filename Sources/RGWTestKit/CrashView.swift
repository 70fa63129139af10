import RGWBase
import RGWVFS

/// Everything a mount shows, as values.
struct CrashView {
    enum Entry: Equatable, CustomStringConvertible {
        case file(UInt32, [UInt8])
        case link(String)
        case directory(UInt32)

        var description: String {
            switch self {
            case .file(let mode, let bytes):
                "a file \(String(mode, radix: 8)) \"\(String(decoding: bytes, as: UTF8.self))\""
            case .link(let target): "a link to \(target)"
            case .directory(let mode): "a directory \(String(mode, radix: 8))"
            }
        }
    }

    private var entries: [String: Entry] = [:]

    init(of volume: Volume) throws {
        var waiting = [""]
        while let directory = waiting.popLast() {
            for name in try volume.names(in: directory) {
                let path = directory.isEmpty ? name : "\(directory)/\(name)"
                let attributes = try volume.attributes(path)
                switch attributes.kind {
                case .directory:
                    entries[path] = .directory(attributes.permissions)
                    waiting.append(path)
                case .symlink: entries[path] = .link(try volume.readlink(path))
                default:
                    entries[path] = .file(
                        attributes.permissions, Array(try volume.load(path).utf8))
                }
            }
        }
    }

    /// What a bucket with exactly this has: a marker for every directory.
    var keys: [String] {
        entries.map { path, entry in
            if case .directory = entry { path + "/" } else { path }
        }.sorted()
    }

    var contents: Set<[UInt8]> {
        Set(
            entries.values.compactMap { entry in
                switch entry {
                case .file(_, let bytes): bytes
                case .link(let target): Array(target.utf8)
                case .directory: nil
                }
            })
    }

    /// Nil: the same.
    func difference(from other: CrashView) -> String? {
        for path in Set(entries.keys).union(other.entries.keys).sorted()
        where entries[path] != other.entries[path] {
            return "\(path) as \(Self.text(entries[path])), not \(Self.text(other.entries[path]))"
        }
        return nil
    }

    /// Nil: what the specification has, a replacement that nothing confirmed being undone or not.
    func difference(from tree: ReferenceFileSystem) -> String? {
        let paths = Set(tree.nodes.keys.filter { !$0.isEmpty })
        for path in paths.union(entries.keys).sorted() {
            let allowed = Self.allowed(tree, path)
            guard let entry = entries[path] else {
                return "no \(path), not \(Self.text(allowed.first))"
            }
            if !allowed.contains(entry) {
                return "\(path) as \(entry), not \(Self.text(allowed.first))"
            }
        }
        return nil
    }

    private static func allowed(_ tree: ReferenceFileSystem, _ path: String) -> [Entry] {
        switch tree.nodes[path] {
        case .directory(let mode): return [.directory(mode)]
        case .link(let target): return [.link(target)]
        case .file(let number):
            guard let body = tree.bodies[number] else { return [] }
            return [.file(body.mode, body.bytes)]
                + body.reverts.flatMap {
                    // Its attributes may have gone with the content that was given up.
                    [.file(body.mode, $0.bytes), .file($0.mode, $0.bytes)]
                }
        case nil: return []
        }
    }

    private static func text(_ entry: Entry?) -> String { entry.map { "\($0)" } ?? "nothing" }
}
