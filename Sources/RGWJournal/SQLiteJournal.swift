import GRDB
import RGWBase
package import RGWSpool
import Synchronization
import SystemPackage

/// The durable desired state in one SQLite database, through one connection.
///
/// Owns the connection, which holds the file exclusively until `close` or the last reference goes.
/// The connection's queue puts transactions in order; the mutex guards what is known beside the
/// file.
///
/// - Every commit is one transaction in the write-ahead log with `synchronous=NORMAL`: it survives
///   `kill -9`, because the page cache does. Source: sqlite.org/wal.html.
/// - `.power` adds a barrier: a transaction with `synchronous=FULL`, which syncs the log up to and
///   including itself. Barriers are shared: one that began after a commit covers it, so of many
///   threads that wait at once only the first pays.
/// - Checkpoints are this class's own, inside the commit that finds the log over 16 MiB. SQLite's
///   automatic ones drop the error of a failed fsync, and after such a failure the log's pages may
///   be lost although they look clean; here every later `.power` commit fails instead.
/// - The process that opens the file next does not know of that failure, and a log with a gap ends there
///   after a power cut. So the first barrier moves what an earlier process left into the database, whatever
///   that process may have said of it.
package final class SQLiteJournal: Journal {
    private struct Progress {
        /// Identifiers below these are reserved in the file.
        var inodeLimit: UInt64
        var dataLimit: UInt64
        /// Transactions committed; what the file held when it was opened counts as one.
        var committed: UInt64 = 1
        /// How many of them the last barrier covered.
        var durable: UInt64 = 0
        /// Changes since the log's size was last looked at.
        var unmeasured = 0
        /// Set by a failed sync: what reached the disk is not known any more.
        var unsynced: SpoolError?
        /// The log has transactions of an earlier process, which may have failed to sync them.
        var isInherited = false
    }

    private let path: String
    private let queue: DatabaseQueue
    private let progress: Mutex<Progress>

    /// Opens or creates the database. Throws `busy` when another connection has it, `unusable`
    /// when it is damaged or of a newer format.
    package convenience init(path: String) throws(SpoolError) {
        try self.init(path: path, pagesMax: nil)
    }

    /// `pagesMax` limits the database file, for tests of a full one.
    init(path: String, pagesMax: Int?) throws(SpoolError) {
        self.path = path
        // Before SQLite makes a log of its own.
        let isInherited = Self.logBytes(path) > 0
        do {
            queue = try DatabaseQueue(path: path, configuration: Self.configuration(pagesMax))
            let limits = try queue.writeWithoutTransaction { database in
                try JournalSchema.prepare(database)
                return try JournalSchema.reservations(database)
            }
            progress = Mutex(
                Progress(
                    inodeLimit: limits.inode, dataLimit: limits.data, isInherited: isInherited))
        } catch {
            throw Self.spoolError(error, "open", path)
        }
    }

    package func load() throws(SpoolError) -> JournalContents {
        do {
            return try queue.read { database in
                let limits = try JournalSchema.reservations(database)
                var contents = JournalContents(
                    nodes: try JournalRows.nodes(database),
                    intents: try JournalRows.intents(database),
                    flights: try JournalRows.flights(database),
                    nextInode: InodeNumber(limits.inode), nextData: DataID(limits.data))
                contents.partials = try JournalRows.partials(database)
                contents.extents = try JournalRows.extents(database)
                return contents
            }
        } catch {
            throw Self.spoolError(error, "read", path)
        }
    }

    /// All of `changes` or, on failure, none. When only the barrier of `.power` fails, the changes
    /// are committed but not known to be power-safe.
    package func commit(_ changes: [JournalChange], durability: Durability) throws(SpoolError) {
        do {
            if !changes.isEmpty {
                try queue.writeWithoutTransaction { database in
                    try self.apply(changes, database)
                }
            }
            if durability == .power { try barrier() }
        } catch {
            throw Self.spoolError(error, "commit to", path)
        }
        checkpointIfDue()
    }

    /// Moves the whole log into the database file and empties it; power-safe afterwards. For a
    /// clean end of the mount; commits do it by themselves when it is due.
    package func checkpoint() throws(SpoolError) {
        do {
            try queue.writeWithoutTransaction { database in
                _ = try database.checkpoint(.truncate)
            }
        } catch {
            let failure = Self.spoolError(error, "checkpoint", path)
            if case .failed = failure { progress.withLock { $0.unsynced = failure } }
            throw failure
        }
        progress.withLock { progress in
            progress.unmeasured = 0
            progress.isInherited = false
        }
    }

    /// Lets go of the file; SQLite checkpoints what it can. Later calls fail.
    package func close() throws(SpoolError) {
        do { try queue.close() } catch { throw Self.spoolError(error, "close", path) }
    }

    // MARK: - Steps

    private func apply(_ changes: [JournalChange], _ database: Database) throws {
        let limits = progress.withLock { ($0.inodeLimit, $0.dataLimit) }
        let needed = JournalSchema.limits(above: changes, atLeast: limits)
        try JournalSchema.transaction(database) {
            for change in changes { try JournalRows.apply(change, database) }
            if needed != limits { try JournalSchema.reserve(database, needed) }
        }
        progress.withLock { progress in
            (progress.inodeLimit, progress.dataLimit) = needed
            progress.committed += 1
            progress.unmeasured += changes.count
        }
    }

    /// Returns when everything committed before the call is power-safe.
    private func barrier() throws {
        let (target, isInherited) = try progress.withLock { progress in
            if let failure = progress.unsynced { throw failure }
            return (progress.committed, progress.isInherited)
        }
        if isInherited { try checkpoint() }
        try queue.writeWithoutTransaction { database in
            let (durable, committed) = progress.withLock { ($0.durable, $0.committed) }
            // A barrier that ran while this one waited for its turn has covered it.
            if durable >= target { return }
            do {
                try JournalSchema.barrier(database)
            } catch {
                let failure = Self.spoolError(error, "sync", path)
                if case .failed = failure { progress.withLock { $0.unsynced = failure } }
                throw failure
            }
            progress.withLock { $0.durable = committed }
        }
    }

    /// Failing here harms nothing that was promised: the log only stays long.
    private func checkpointIfDue() {
        let due = progress.withLock { progress in
            guard progress.unmeasured >= Self.measureEvery else { return false }
            progress.unmeasured = 0
            return true
        }
        guard due, Self.logBytes(path) >= Self.logBytesMax else { return }
        do throws(SpoolError) { try checkpoint() } catch {}
    }

    /// 0 where the log cannot be seen, which only puts the checkpoint off.
    private static func logBytes(_ path: String) -> Int64 {
        (try? Stat(FilePath("\(path)-wal")).size) ?? 0
    }

    /// A log that has grown past this is moved into the database file: bytes.
    private static let logBytesMax: Int64 = 16 << 20
    /// Changes between two looks at the log; one change writes a handful of 4 KiB pages at most.
    private static let measureEvery = 256

    // MARK: - Connection

    private static func configuration(_ pagesMax: Int?) -> Configuration {
        var configuration = Configuration()
        configuration.label = "journal"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { database in
            // First of all: without a shared-memory index from the first access on, a second
            // connection is refused. Source: sqlite.org/wal.html, section 8.
            try database.execute(sql: "PRAGMA locking_mode=EXCLUSIVE")
            try database.execute(sql: "PRAGMA page_size=4096")
            try database.execute(sql: "PRAGMA cache_size=-8192")
            let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode=WAL")
            guard mode == "wal" else { throw JournalDamage("write-ahead logging is refused") }
            try database.execute(sql: "PRAGMA wal_autocheckpoint=0")
            try database.execute(sql: "PRAGMA synchronous=NORMAL")
            if let pagesMax { try database.execute(sql: "PRAGMA max_page_count=\(pagesMax)") }
        }
        return configuration
    }
}
