import RGWBase
import RGWControl
import RGWHost
import RGWMount
import RGWObject
import RGWSpool

/// Copies what waits in a spool to a directory: every file under its path below the mount, and
/// `manifest.json` with what to do with each.
enum SpoolExport {
    /// `target` must not exist yet, or be empty.
    static func run(_ inspection: SpoolInspection, to target: String) throws {
        if try HostNames.makeDirectory(target, mode: 0o700) == false,
            try HostNames.list(target)?.isEmpty != true
        {
            throw ControlError(.badRequest, "\(Shown.text(target)) exists and is not empty")
        }
        var rows: [JSONValue] = []
        for change in inspection.changes {
            let path = inspection.path(of: change.record.address)
            var row: [String: JSONValue] = [
                "key": .string(change.record.address.key.text),
                "bucket": .string(change.record.address.bucket.description),
                "want": .string(QueueItem.word(change.record.want)),
                "base_etag": change.record.base.map { .string($0.text) } ?? .null,
                "file": .null,
            ]
            if let node = change.node { row["attributes"] = attributes(node) }
            if let data = change.data {
                // Paths of keys have no "..": they were names of the mount.
                let file = "files/\(path)"
                let directory = HostNames.parentDirectory(of: "\(target)/\(file)")
                try HostNames.makeDirectories(directory, mode: 0o700)
                try HostFile.copy(data, to: "\(target)/\(file)")
                row["file"] = .string(file)
                row["bytes"] = .integer(change.bytes)
            }
            if case .lose(let reason) = change.fate { row["note"] = .string(reason) }
            if case .missing = change.fate { row["note"] = .string("its data file is gone") }
            rows.append(.object(row))
        }
        let manifest = JSONValue.object([
            "server": .string(inspection.spool.identity.endpoint),
            "source": .string(inspection.spool.source), "changes": .array(rows),
        ])
        try HostFile.writeAtomically(
            "\(target)/manifest.json", text: manifest.line + "\n", mode: 0o600)
    }

    private static func attributes(_ node: NodeRecord) -> JSONValue {
        .object([
            "mode": .integer(node.attributes.kind.rawValue | node.attributes.permissions),
            "uid": .integer(node.attributes.uid), "gid": .integer(node.attributes.gid),
            "mtime": .integer(node.attributes.mtime.seconds),
        ])
    }
}
