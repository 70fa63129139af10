import GRDB
import RGWBase
import RGWSpool

/// The tables of the journal and the few values kept beside the records.
///
/// A file of an older format is brought up to date step by step, in one transaction; a newer one is
/// refused. A new file goes the same way from format 1, so that every step is always taken.
///
/// 64-bit unsigned values are stored as SQLite's signed integers with the same bits.
enum JournalSchema {
    static var format: Int64 { Int64(migrations.count) + 1 }
    /// "RGWF", for file(1) and for telling a journal from any other database.
    static let applicationID: Int64 = 0x5247_5746
    /// Identifiers reserved at a time, so that ordinary commits leave `meta` alone.
    static let reservedAtOnce: UInt64 = 1_000

    /// Creates the tables in a new file; in an old one checks the format and the pages.
    static func prepare(_ database: Database) throws {
        let application = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let objects = try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if application == 0, objects == 0 {
            try create(database)
            return
        }
        guard application == applicationID else {
            throw JournalDamage("it is another program's database")
        }
        let found = try value("format", database)
        guard (1...format).contains(found) else {
            throw JournalDamage("it has format \(found), this program knows format \(format)")
        }
        let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
        guard verdict == "ok" else { throw JournalDamage(verdict ?? "its check gave no answer") }
        if found < format {
            try database.inTransaction(.immediate) {
                try migrate(database, from: found)
                return .commit
            }
        }
    }

    private static func migrate(_ database: Database, from found: Int64) throws {
        for migration in migrations.dropFirst(Int(found) - 1) {
            try database.execute(sql: migration)
        }
        try database.execute(
            sql: "UPDATE meta SET value = ? WHERE name = 'format'", arguments: [format])
    }

    // MARK: - Identifiers

    typealias Limits = (inode: UInt64, data: UInt64)

    static func reservations(_ database: Database) throws -> Limits {
        (
            UInt64(bitPattern: try value("next_inode", database)),
            UInt64(bitPattern: try value("next_data", database))
        )
    }

    /// `limits`, or a block above them where a change uses an identifier beyond.
    static func limits(above changes: [JournalChange], atLeast limits: Limits) -> Limits {
        var inode = limits.inode
        var data = limits.data
        for change in changes {
            switch change {
            case .node(let node):
                inode = raised(inode, over: node.inode)
                for used in node.dataFiles {
                    data = raised(data, over: used.value)
                }
            case .intent(let intent):
                if let used = intent.inode { inode = raised(inode, over: used) }
            case .partial(let partial): inode = raised(inode, over: partial.inode)
            case .removeNode, .removeIntent, .flight, .removeFlight, .extent, .removePartial: break
            }
        }
        return (inode, data)
    }

    static func reserve(_ database: Database, _ limits: Limits) throws {
        let statement = try database.cachedStatement(
            sql: "UPDATE meta SET value = ? WHERE name = ?")
        try statement.execute(arguments: [Int64(bitPattern: limits.inode), "next_inode"])
        try statement.execute(arguments: [Int64(bitPattern: limits.data), "next_data"])
    }

    /// All of `changes` or nothing. Its statements are kept compiled, unlike those of `inTransaction`: they
    /// run with every operation.
    static func transaction(_ database: Database, _ changes: () throws -> Void) throws {
        try database.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
        do {
            try changes()
            try database.cachedStatement(sql: "COMMIT").execute()
        } catch {
            if database.isInsideTransaction { try database.rollback() }
            throw error
        }
    }

    /// A transaction that reaches the disk before it returns, and with it all earlier ones.
    /// Source: sqlite.org/pragma.html#pragma_synchronous, FULL in WAL mode.
    static func barrier(_ database: Database) throws {
        try database.cachedStatement(sql: "PRAGMA synchronous=FULL").execute()
        let update = Result {
            // A transaction that changes no page would not be written, and so not synced.
            try transaction(database) {
                try database.cachedStatement(
                    sql: "UPDATE meta SET value = value + 1 WHERE name = 'barrier'"
                ).execute()
            }
        }
        try database.cachedStatement(sql: "PRAGMA synchronous=NORMAL").execute()
        try update.get()
    }

    // MARK: - Details

    /// Numbers that are made from names are not counted up.
    private static func raised(_ limit: UInt64, over used: InodeNumber) -> UInt64 {
        used.isDerived ? limit : raised(limit, over: used.value)
    }

    private static func raised(_ limit: UInt64, over used: UInt64) -> UInt64 {
        guard used >= limit else { return limit }
        let (sum, overflow) = used.addingReportingOverflow(reservedAtOnce)
        return overflow ? .max : sum
    }

    private static func value(_ name: String, _ database: Database) throws -> Int64 {
        let found = try Row.fetchOne(
            database, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
        guard let found, let value = Int64.fromDatabaseValue(found[0]) else {
            throw JournalDamage("it lacks the value \(name)")
        }
        return value
    }

    private static func create(_ database: Database) throws {
        let empty = JournalContents()
        try database.inTransaction(.immediate) {
            try database.execute(sql: "PRAGMA application_id=\(applicationID)")
            try database.execute(sql: formatOne)
            let insert = try database.makeStatement(sql: "INSERT INTO meta VALUES (?, ?)")
            let next = (empty.nextInode.value, empty.nextData.value)
            try insert.execute(arguments: ["format", 1])
            try insert.execute(arguments: ["barrier", 0])
            try insert.execute(arguments: ["next_inode", Int64(bitPattern: next.0)])
            try insert.execute(arguments: ["next_data", Int64(bitPattern: next.1)])
            try migrate(database, from: 1)
            return .commit
        }
    }

    /// Each entry leads from format N to N + 1, the first from 1 to 2. Entries are added at the end and
    /// never changed.
    private static let migrations = [
        """
        ALTER TABLE intent ADD COLUMN source_tenant TEXT;
        ALTER TABLE intent ADD COLUMN source_bucket TEXT;
        ALTER TABLE intent ADD COLUMN source_key BLOB;
        ALTER TABLE intent ADD COLUMN source_etag TEXT;
        ALTER TABLE intent ADD COLUMN source_size INTEGER;
        ALTER TABLE intent ADD COLUMN source_mtime_seconds INTEGER;
        ALTER TABLE intent ADD COLUMN source_mtime_nanoseconds INTEGER;
        CREATE TABLE flight (
            tenant TEXT NOT NULL,
            bucket TEXT NOT NULL,
            key BLOB NOT NULL,
            want INTEGER NOT NULL,
            base_etag TEXT,
            tags TEXT NOT NULL,
            sends INTEGER NOT NULL,
            unconditional INTEGER NOT NULL,
            started_seconds INTEGER NOT NULL,
            started_nanoseconds INTEGER NOT NULL,
            upload TEXT,
            part_size INTEGER,
            upload_generation INTEGER,
            upload_size INTEGER,
            upload_metadata INTEGER,
            PRIMARY KEY (tenant, bucket, key)
        ) STRICT, WITHOUT ROWID;
        """,
        // Files of which only a part is in the spool.
        """
        CREATE TABLE partial (
            inode INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL,
            bucket TEXT NOT NULL,
            key BLOB NOT NULL,
            etag TEXT NOT NULL,
            length INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE extent (
            inode INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            lower INTEGER NOT NULL,
            upper INTEGER NOT NULL,
            PRIMARY KEY (inode, generation, lower)
        ) STRICT, WITHOUT ROWID;
        """,
        // Versions that are being replaced.
        """
        ALTER TABLE node ADD COLUMN replaced_data INTEGER;
        ALTER TABLE node ADD COLUMN replaced_size INTEGER;
        ALTER TABLE node ADD COLUMN replaced_mtime_seconds INTEGER;
        ALTER TABLE node ADD COLUMN replaced_mtime_nanoseconds INTEGER;
        ALTER TABLE node ADD COLUMN replaced_generation INTEGER;
        ALTER TABLE node ADD COLUMN replaced_sealed INTEGER;
        ALTER TABLE flight ADD COLUMN may_delete INTEGER NOT NULL DEFAULT 1;
        """,
        // Content that the disk did not take.
        """
        ALTER TABLE node ADD COLUMN broken INTEGER;
        """,
        """
        ALTER TABLE node ADD COLUMN replaced_broken INTEGER;
        """,
        // Conflicts that wait for the user.
        """
        ALTER TABLE intent ADD COLUMN conflict INTEGER;
        """,
    ]

    /// Format 1. Source of STRICT and WITHOUT ROWID: sqlite.org/stricttables.html,
    /// sqlite.org/withoutrowid.html.
    static let formatOne = """
        CREATE TABLE meta (
            name TEXT PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE node (
            inode INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            permissions INTEGER NOT NULL,
            uid INTEGER NOT NULL,
            gid INTEGER NOT NULL,
            size INTEGER NOT NULL,
            mtime_seconds INTEGER NOT NULL,
            mtime_nanoseconds INTEGER NOT NULL,
            ctime_seconds INTEGER NOT NULL,
            ctime_nanoseconds INTEGER NOT NULL,
            atime_seconds INTEGER NOT NULL,
            atime_nanoseconds INTEGER NOT NULL,
            rdev INTEGER NOT NULL,
            data INTEGER,
            generation INTEGER NOT NULL,
            metadata TEXT NOT NULL,
            base_etag TEXT,
            base_size INTEGER,
            base_mtime_seconds INTEGER,
            base_mtime_nanoseconds INTEGER,
            replacing INTEGER NOT NULL,
            sealed INTEGER
        ) STRICT;

        CREATE TABLE intent (
            tenant TEXT NOT NULL,
            bucket TEXT NOT NULL,
            key BLOB NOT NULL,
            want INTEGER NOT NULL,
            inode INTEGER,
            base_etag TEXT,
            after_tenant TEXT,
            after_bucket TEXT,
            after_key BLOB,
            born_seconds INTEGER NOT NULL,
            born_nanoseconds INTEGER NOT NULL,
            PRIMARY KEY (tenant, bucket, key)
        ) STRICT, WITHOUT ROWID;
        """
}
