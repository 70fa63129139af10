import FoundationEssentials
import GRDB
import RGWSpool
import SystemPackage

/// What is wrong with a journal's content, in words that follow the file's name.
struct JournalDamage: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

extension SQLiteJournal {
    /// SQLite's result codes as the spool's errors. Source: sqlite.org/rescode.html.
    static func spoolError(_ error: any Error, _ operation: String, _ path: String) -> SpoolError {
        if let known = error as? SpoolError { return known }
        if let damage = error as? JournalDamage {
            return .unusable("the journal \(path) cannot be used: \(damage.reason)")
        }
        guard let failure = error as? DatabaseError else {
            return .failed(operation: "\(operation) \(path): \(error)", errno: 5)
        }
        let text = failure.message ?? failure.resultCode.description
        let named = "\(operation) \(path): \(text)"
        return switch failure.resultCode {
        case .SQLITE_FULL: .full
        // Of the errors of a write SQLite tells ENOSPC alone. Source: os_unix.c.
        case .SQLITE_IOERR
        where failure.extendedResultCode == .SQLITE_IOERR_WRITE && isOutOfRoom(beside: path):
            .full
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            .busy("the journal \(path) is in use by another process")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            .unusable("the journal \(path) is damaged: \(text)")
        // The errno values of errno.h that say the same.
        case .SQLITE_PERM, .SQLITE_AUTH: .failed(operation: named, errno: 13)
        case .SQLITE_READONLY: .failed(operation: named, errno: 30)
        case .SQLITE_NOMEM: .failed(operation: named, errno: 12)
        default: .failed(operation: named, errno: 5)
        }
    }

    /// The quota of whoever mounts may be used up (EDQUOT, 122), which only a write tells.
    private static func isOutOfRoom(beside path: String) -> Bool {
        // SQLite keeps its log where a link leads.
        let file = URL(filePath: path).resolvingSymlinksInPath().path
        let probe = FilePath("\(file)-probe")
        let written = Result {
            let file = try FileDescriptor.open(
                probe, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
            try file.closeAfter {
                _ = try file.writeAll([UInt8](repeating: 0, count: 64 << 10))
            }
        }
        // One that stays is cut by the next.
        do { try FileManager.default.removeItem(atPath: probe.string) } catch {}
        guard case .failure(let error) = written, let errno = error as? Errno else { return false }
        return errno == .noSpace || errno == Errno(rawValue: 122)
    }
}
