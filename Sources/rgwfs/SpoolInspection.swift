import RGWBase
import RGWControl
import RGWHost
import RGWJournal
import RGWObject
import RGWSpool

/// A spool that nobody has mounted, looked at without changing what it says.
///
/// Owns its lock: no mount begins meanwhile.
final class SpoolInspection {
    /// What the next mount will do with a change.
    enum Fate: Equatable {
        case upload
        /// Moved to `lost/`, and why.
        case lose(String)
        /// Its data file is gone.
        case missing
    }

    struct Change {
        var record: IntentRecord
        var node: NodeRecord?
        /// The file with its bytes; nil: it has none.
        var data: String?
        var bytes: UInt64
        var fate: Fate
    }

    let spool: CataloguedSpool
    let changes: [Change]
    private let lock: SpoolLock

    /// Throws `busy` while somebody has it, and `unusable` for a format of a later program.
    init(_ spool: CataloguedSpool) throws {
        self.spool = spool
        guard let format = try SpoolDirectory.format(of: spool.path) else {
            throw SpoolError.unusable("there is no spool in \(spool.path)")
        }
        guard format.minReader <= SpoolFormat.current else {
            throw SpoolError.unusable(
                "the spool \(spool.path) has format \(format.version), which needs a newer rgwfs")
        }
        lock = try SpoolLock(inspecting: spool.path)
        guard try HostNames.status("\(spool.path)/journal.db") != nil else {
            changes = []
            return
        }
        let journal = try SQLiteJournal(path: "\(spool.path)/journal.db")
        let contents = try journal.load()
        try journal.close()
        // Rule: what was not synced is not trusted after a power cut. Source: Recovery.
        let afterPowerCut = !(lock.previousOwner?.isOfThisBoot ?? false)
        let nodes = Dictionary(contents.nodes.map { ($0.inode, $0) }) { first, _ in first }
        changes = try contents.intents.sorted { $0.address.key < $1.address.key }.map { record in
            let node = record.inode.flatMap { nodes[$0] }
            return try Self.change(record, node, spool.path, afterPowerCut: afterPowerCut)
        }
    }

    private static func change(
        _ record: IntentRecord, _ node: NodeRecord?, _ spool: String, afterPowerCut: Bool
    ) throws -> Change {
        var change = Change(record: record, node: node, data: nil, bytes: 0, fate: .upload)
        guard record.want == .put, let node, var data = node.data else { return change }
        let survivor = node.survivor(afterPowerCut: afterPowerCut)
        if case .replaced(let earlier) = survivor { data = earlier.data }
        let path = HostFiles.path(of: data, in: spool)
        guard let status = try HostNames.status(path) else {
            change.fate = .missing
            return change
        }
        change.data = path
        change.bytes = status.size
        if survivor == .object {
            change.fate = .lose(
                node.replacing
                    ? "an unfinished replacement" : "perhaps cut short by a power failure")
        }
        return change
    }

    var report: MountReport {
        var report = MountReport()
        report.life = .stopped
        report.source = spool.source
        report.server = spool.identity.endpoint
        report.spool = spool.path
        report.pending = UInt64(changes.count)
        let held = changes.count { $0.record.isConflict }
        report.blocked = UInt64(held)
        report.conflicts = report.blocked
        report.pendingBytes = changes.reduce(0) { $0 + $1.bytes }
        report.oldest = changes.map(\.record.born).min().map { born in
            .seconds(max(0, HostClock().wallTime().seconds - born.seconds))
        }
        report.lost = LostEntries.count(in: spool.path)
        report.spoolFree = try? HostDescriptor(spool.path, .directory).freeBytes()
        return report
    }

    var queue: [QueueItem] {
        let now = HostClock().wallTime().seconds
        return changes.map { change in
            let key = change.record.address.key.text
            let state =
                switch change.fate {
                case .upload: change.record.isConflict ? "conflict" : "waiting"
                case .lose: "lost"
                case .missing: "missing"
                }
            var item = QueueItem(
                path: path(of: change.record.address), key: key,
                want: QueueItem.word(change.record.want),
                state: state, age: .seconds(max(0, now - change.record.born.seconds)),
                bytes: change.bytes)
            if case .lose(let reason) = change.fate { item.error = reason }
            return item
        }
    }

    /// Below the mount.
    func path(of address: ObjectAddress) -> String {
        var key = address.key.text[...]
        if key.hasSuffix("/") { key = key.dropLast() }
        guard spool.identity.bucket != SpoolIdentity.allBuckets else {
            return "\(address.bucket)/\(key)"
        }
        let prefix = spool.identity.prefix
        return String(key.hasPrefix(prefix) ? key.dropFirst(prefix.count) : key)
    }
}
