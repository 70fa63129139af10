import FoundationEssentials
import GRDB
package import RGWBase
package import RGWObject
package import RGWSpool
import Synchronization

/// What is known of objects, in a SQLite database of its own.
///
/// Owns the connection, which holds the file alone until `close`. Nothing here fails: whatever goes wrong is told
/// once, and from then on nothing is known and nothing is kept. Thread-safe; calls wait for the disk.
package final class SQLiteAttributes: AttributeStore {
    /// How much is kept. What was written longest ago goes first.
    package struct Limits: Sendable {
        package var rows: Int64
        package var bytes: Int64
        package init(rows: Int64 = 1_000_000, bytes: Int64 = 512 << 20) {
            self.rows = rows
            self.bytes = bytes
        }
    }

    /// What `rgwfs cache status` shows.
    package struct Size: Equatable, Sendable {
        package var objects: Int64
        package var bytes: Int64
    }

    private let path: String
    private let limits: Limits
    private let tell: @Sendable (String) -> Void
    /// nil: it failed, or was closed.
    private let queue: Mutex<DatabaseQueue?>

    /// Opens or creates the database; one that is damaged or of another form is replaced. `tell` hears, once, why
    /// nothing is known or kept.
    package init(
        path: String, limits: Limits = Limits(), tell: @escaping @Sendable (String) -> Void
    ) {
        self.path = path
        self.limits = limits
        self.tell = tell
        do {
            queue = Mutex(try Self.open(path, limits))
        } catch {
            queue = Mutex(nil)
            tell(Self.reason(error))
        }
    }

    package func recall(_ address: ObjectAddress) -> KnownObject? {
        attempt { database in
            let statement = try database.cachedStatement(
                sql: "SELECT sum, known FROM object WHERE place = ?")
            let place = Self.place(of: address)
            guard let row = try Row.fetchOne(statement, arguments: [place]),
                let sum = Int64.fromDatabaseValue(row[0]),
                let known = Data.fromDatabaseValue(row[1]).map({ [UInt8]($0) }),
                sum == Self.sum(of: address, known)
            else { return nil }
            return KnownObjectBytes.decode(known)
        } ?? nil
    }

    package func numbers(of homes: [InodeNumber]) -> [InodeNumber: InodeNumber] {
        attempt { database in
            let statement = try database.cachedStatement(
                sql: "SELECT number FROM number WHERE home = ?")
            var found: [InodeNumber: InodeNumber] = [:]
            for home in homes {
                let value = try Int64.fetchOne(
                    statement, arguments: [Int64(bitPattern: home.value)])
                // Smaller ones are nobody's but the root's.
                guard let value, value > 1 else { continue }
                found[home] = InodeNumber(UInt64(bitPattern: value))
            }
            return found
        } ?? [:]
    }

    package func takenNumbers() -> TakenNumbers {
        attempt { database in
            var taken = TakenNumbers()
            let count = try Int64.fetchOne(database, sql: "SELECT count(*) FROM number") ?? 0
            if count > self.limits.rows {
                // There is none that is the oldest. Files that were made here get other numbers, once.
                try database.execute(sql: "DELETE FROM number")
                return taken
            }
            let bit = Int64(bitPattern: InodeNumber(derivedFrom: 0).value)
            let largest = try Int64.fetchOne(
                database, sql: "SELECT max(number) FROM number WHERE number < ?", arguments: [bit])
            taken.largest = largest.map { InodeNumber(UInt64(bitPattern: $0)) }
            taken.derived = try Int64.fetchAll(
                database, sql: "SELECT number FROM number WHERE number >= ?", arguments: [bit]
            ).map { InodeNumber(UInt64(bitPattern: $0)) }
            return taken
        } ?? TakenNumbers()
    }

    package func write(_ changes: KnownChanges) {
        let rows = changes.objects.compactMap { address, known in
            KnownObjectBytes.encode(known).map { (address, $0) }
        }
        if rows.isEmpty, changes.numbers.isEmpty { return }
        _ = attempt { database in
            do {
                try self.write(rows, changes.numbers, database)
            } catch let full as DatabaseError where full.resultCode == .SQLITE_FULL {
                // By its own limit; or the disk is, and then this fails too.
                try self.dropHalf(database)
                try self.write(rows, changes.numbers, database)
            }
        }
    }

    /// Forgets everything. For `rgwfs cache drop`.
    package func removeAll() {
        _ = attempt { database in
            try database.inTransaction(.immediate) {
                try database.execute(sql: "DELETE FROM object; DELETE FROM number;")
                return .commit
            }
            try database.execute(sql: "VACUUM")
            _ = try database.checkpoint(.truncate)
        }
    }

    /// nil: nothing is kept.
    package func size() -> Size? {
        attempt { database in
            let objects = try Int64.fetchOne(database, sql: "SELECT count(*) FROM object") ?? 0
            let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            return Size(objects: objects, bytes: pages * Self.pageBytes)
        }
    }

    package func close() {
        let open = queue.withLock { queue in
            defer { queue = nil }
            return queue
        }
        // What could not be moved into the file is in its log.
        do { try open?.close() } catch { tell(Self.reason(error)) }
    }

    // MARK: - Steps

    /// nil: it failed, now or before.
    private func attempt<Value: Sendable>(_ body: (Database) throws -> Value) -> Value? {
        ThreadDuty.assertMayWait("the database of attributes")
        guard let open = queue.withLock(\.self) else { return nil }
        do {
            return try open.writeWithoutTransaction(body)
        } catch {
            giveUp(error)
            return nil
        }
    }

    private func giveUp(_ error: any Error) {
        let isFirst = queue.withLock { queue in
            defer { queue = nil }
            return queue != nil
        }
        guard isFirst else { return }
        tell(Self.reason(error))
        if Self.isDamage(error) { Self.remove(path) }
    }

    private func write(
        _ rows: [(ObjectAddress, [UInt8])], _ numbers: [InodeNumber: InodeNumber?],
        _ database: Database
    ) throws {
        try database.inTransaction(.immediate) {
            let insert = try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO object (place, sum, known) VALUES (?, ?, ?)")
            for (address, known) in rows {
                try insert.execute(arguments: [
                    Self.place(of: address), Self.sum(of: address, known), Data(known),
                ])
            }
            let trim = try database.cachedStatement(
                sql: "DELETE FROM object WHERE id <= (SELECT max(id) FROM object) - ?")
            try trim.execute(arguments: [limits.rows])
            try Self.write(numbers, database)
            return .commit
        }
    }

    private static func write(
        _ numbers: [InodeNumber: InodeNumber?], _ database: Database
    ) throws {
        let remove = try database.cachedStatement(sql: "DELETE FROM number WHERE home = ?")
        let insert = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO number (home, number) VALUES (?, ?)")
        // Names that were left first: their numbers may have gone to the others.
        for (home, number) in numbers where number == nil {
            try remove.execute(arguments: [Int64(bitPattern: home.value)])
        }
        for (home, number) in numbers {
            guard let number else { continue }
            try insert.execute(arguments: [
                Int64(bitPattern: home.value), Int64(bitPattern: number.value),
            ])
        }
    }

    private func dropHalf(_ database: Database) throws {
        if database.isInsideTransaction { try database.rollback() }
        try database.inTransaction(.immediate) {
            try database.execute(
                sql: """
                    DELETE FROM object WHERE id <=
                        (SELECT min(id) / 2 + max(id) / 2 FROM object)
                    """)
            return .commit
        }
    }

    private static func place(of address: ObjectAddress) -> Int64 {
        Int64(bitPattern: SipHash.hash(bytes(of: address)))
    }

    private static func sum(of address: ObjectAddress, _ known: [UInt8]) -> Int64 {
        Int64(bitPattern: SipHash.hash(known + bytes(of: address)))
    }

    /// No name of a bucket has a zero byte.
    private static func bytes(of address: ObjectAddress) -> [UInt8] {
        Array(address.bucket.description.utf8) + [0] + address.key.bytes
    }

    // MARK: - The file

    private static let pageBytes: Int64 = 4096

    private static func open(_ path: String, _ limits: Limits) throws -> DatabaseQueue {
        do {
            if let queue = try openFile(path, limits) { return queue }
        } catch {
            guard isDamage(error) else { throw error }
        }
        remove(path)
        guard let queue = try openFile(path, limits) else {
            throw DatabaseError(message: "a database of another form is in its place")
        }
        return queue
    }

    /// nil: it is another program's, or of another form.
    private static func openFile(_ path: String, _ limits: Limits) throws -> DatabaseQueue? {
        let queue = try DatabaseQueue(path: path, configuration: configuration(limits))
        let isUsable = try queue.writeWithoutTransaction { database in
            if try AttributeSchema.isEmpty(database) { try AttributeSchema.create(database) }
            return try AttributeSchema.isUsable(database)
        }
        if isUsable { return queue }
        try queue.close()
        return nil
    }

    private static func configuration(_ limits: Limits) -> Configuration {
        var configuration = Configuration()
        configuration.label = "attributes"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { database in
            // Without a shared-memory index a second connection is refused. Source: sqlite.org/wal.html, 8.
            try database.execute(sql: "PRAGMA locking_mode=EXCLUSIVE")
            try database.execute(sql: "PRAGMA page_size=\(pageBytes)")
            try database.execute(sql: "PRAGMA cache_size=-4096")
            try database.execute(sql: "PRAGMA journal_mode=WAL")
            // The last seconds may be lost in a power cut, the database may not.
            try database.execute(sql: "PRAGMA synchronous=NORMAL")
            try database.execute(sql: "PRAGMA max_page_count=\(max(16, limits.bytes / pageBytes))")
        }
        return configuration
    }

    private static func isDamage(_ error: any Error) -> Bool {
        switch (error as? DatabaseError)?.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: true
        // A table that is not there, or another one of its name.
        case .SQLITE_ERROR: true
        default: false
        }
    }

    /// The database with its log. Source: sqlite.org/tempfiles.html.
    package static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // What is not there need not go.
            do { try FileManager.default.removeItem(atPath: path + suffix) } catch {}
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let failure = error as? DatabaseError else { return "\(error)" }
        if failure.resultCode == .SQLITE_BUSY { return "another mount has it" }
        return failure.message ?? failure.resultCode.description
    }
}
