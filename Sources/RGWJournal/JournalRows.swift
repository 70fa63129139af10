import FoundationEssentials
import GRDB
import RGWBase
import RGWObject
import RGWSpool

/// Records as rows: writing them and reading them back.
///
/// The tenant of a bucket is never NULL, because NULLs are distinct in a key: no tenant is stored
/// as the empty text, which names the same bucket on RGW (radosgw/multitenancy).
enum JournalRows {
    static func apply(_ change: JournalChange, _ database: Database) throws {
        switch change {
        case .node(let node): try run(insertNode, JournalColumns(node), database)
        case .removeNode(let inode):
            try run("DELETE FROM node WHERE inode = ?", JournalColumns(inode), database)
        case .intent(let intent): try run(insertIntent, JournalColumns(intent), database)
        case .removeIntent(let address):
            try run(
                "DELETE FROM intent WHERE tenant = ? AND bucket = ? AND key = ?",
                JournalColumns(address),
                database)
        case .partial(let partial): try run(insertPartial, JournalColumns(partial), database)
        case .extent(let extent): try run(insertExtent, JournalColumns(extent), database)
        case .removePartial(let inode):
            try run("DELETE FROM partial WHERE inode = ?", JournalColumns(inode), database)
            try run("DELETE FROM extent WHERE inode = ?", JournalColumns(inode), database)
        case .flight(let flight): try run(insertFlight, JournalColumns(flight), database)
        case .removeFlight(let address):
            try run(
                "DELETE FROM flight WHERE tenant = ? AND bucket = ? AND key = ?",
                JournalColumns(address),
                database)
        }
    }

    /// Every commit waits for its rows: arguments that cannot be wrong in number are not checked, which
    /// takes as long as the row.
    private static func run(
        _ sql: String, _ columns: JournalColumns, _ database: Database
    ) throws {
        let statement = try database.cachedStatement(sql: sql)
        statement.setUncheckedArguments(columns.arguments)
        try statement.execute()
    }

    static func partials(_ database: Database) throws -> [PartialRecord] {
        var partials: [PartialRecord] = []
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM partial ORDER BY inode")
        while let row = try rows.next() {
            var fields = JournalFields(row, table: "partial")
            let inode = InodeNumber(UInt64(bitPattern: try fields.integer()))
            guard let source = try address(&fields) else {
                throw JournalDamage("a part of a file has no rest")
            }
            partials.append(
                PartialRecord(
                    inode: inode, source: source, etag: ETag(try fields.required(String.self)),
                    length: UInt64(bitPattern: try fields.integer())))
        }
        return partials
    }

    static func extents(_ database: Database) throws -> [ExtentRecord] {
        var extents: [ExtentRecord] = []
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM extent")
        while let row = try rows.next() {
            var fields = JournalFields(row, table: "extent")
            let inode = InodeNumber(UInt64(bitPattern: try fields.integer()))
            let generation = Generation(UInt64(bitPattern: try fields.integer()))
            let lower = UInt64(bitPattern: try fields.integer())
            let upper = UInt64(bitPattern: try fields.integer())
            guard lower < upper else { throw JournalDamage("a written range is empty") }
            extents.append(
                ExtentRecord(inode: inode, range: lower..<upper, generation: generation))
        }
        return extents
    }

    /// In the order of their inode numbers' bits.
    static func nodes(_ database: Database) throws -> [NodeRecord] {
        var nodes: [NodeRecord] = []
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM node ORDER BY inode")
        while let row = try rows.next() {
            var fields = JournalFields(row, table: "node")
            nodes.append(try node(&fields))
        }
        return nodes
    }

    /// In the order of their addresses' bytes.
    static func intents(_ database: Database) throws -> [IntentRecord] {
        var intents: [IntentRecord] = []
        let rows = try Row.fetchCursor(
            database, sql: "SELECT * FROM intent ORDER BY tenant, bucket, key")
        while let row = try rows.next() {
            var fields = JournalFields(row, table: "intent")
            intents.append(try intent(&fields))
        }
        return intents
    }

    /// In the order of their addresses' bytes.
    static func flights(_ database: Database) throws -> [FlightRecord] {
        var flights: [FlightRecord] = []
        let rows = try Row.fetchCursor(
            database, sql: "SELECT * FROM flight ORDER BY tenant, bucket, key")
        while let row = try rows.next() {
            var fields = JournalFields(row, table: "flight")
            flights.append(try flight(&fields))
        }
        return flights
    }

    // MARK: - Writing

    private static func insert(into table: String, columns: Int) -> String {
        let marks = Array(repeating: "?", count: columns).joined(separator: ", ")
        return "INSERT OR REPLACE INTO \(table) VALUES (\(marks))"
    }

    private static let insertNode = insert(into: "node", columns: 30)
    private static let insertIntent = insert(into: "intent", columns: 19)
    private static let insertFlight = insert(into: "flight", columns: 16)

    private static let insertPartial = insert(into: "partial", columns: 6)
    private static let insertExtent = insert(into: "extent", columns: 4)

    // MARK: - Reading

    private static func node(_ fields: inout JournalFields) throws -> NodeRecord {
        let inode = InodeNumber(UInt64(bitPattern: try fields.integer()))
        guard let kind = FileKind(rawValue: try fields.narrow()) else {
            throw JournalDamage("inode \(inode.value) is of no known kind")
        }
        let attributes = FileAttributes(
            kind: kind, permissions: try fields.narrow(), uid: try fields.narrow(),
            gid: try fields.narrow(), size: UInt64(bitPattern: try fields.integer()),
            mtime: try fields.time(), ctime: try fields.time(), atime: try fields.time(),
            rdev: UInt64(bitPattern: try fields.integer()))
        let data = try fields.optional(Int64.self).map { DataID(UInt64(bitPattern: $0)) }
        let generation = Generation(UInt64(bitPattern: try fields.integer()))
        let metadata = try MetadataText.decode(try fields.required(String.self))
        var node = NodeRecord(
            inode: inode, attributes: attributes, data: data, generation: generation,
            metadata: metadata, base: try base(&fields), replacing: try fields.integer() != 0,
            sealed: try optionalGeneration(&fields), replaced: try replaced(&fields))
        node.isBroken = try fields.optional(Int64.self) != nil
        let isReplacedBroken = try fields.optional(Int64.self) != nil
        node.replaced?.isBroken = isReplacedBroken
        return node
    }

    private static func optionalGeneration(_ fields: inout JournalFields) throws -> Generation? {
        try fields.optional(Int64.self).map { Generation(UInt64(bitPattern: $0)) }
    }

    private static func replaced(_ fields: inout JournalFields) throws -> ReplacedRecord? {
        guard let data = try fields.optional(Int64.self) else {
            fields.skip(5)
            return nil
        }
        return ReplacedRecord(
            data: DataID(UInt64(bitPattern: data)), size: UInt64(bitPattern: try fields.integer()),
            mtime: try fields.time(),
            generation: Generation(UInt64(bitPattern: try fields.integer())),
            sealed: try optionalGeneration(&fields))
    }

    private static func base(_ fields: inout JournalFields) throws -> BaseVersion? {
        guard let etag = try fields.optional(String.self) else {
            fields.skip(3)
            return nil
        }
        return BaseVersion(
            etag: ETag(etag), size: UInt64(bitPattern: try fields.integer()),
            lastModified: try fields.time())
    }

    private static func intent(_ fields: inout JournalFields) throws -> IntentRecord {
        guard let address = try address(&fields),
            let want = IntentRecord.Want(rawValue: try fields.narrow())
        else { throw JournalDamage("an intent wants nothing that is known") }
        return IntentRecord(
            address: address, want: want,
            inode: try fields.optional(Int64.self).map { InodeNumber(UInt64(bitPattern: $0)) },
            base: try fields.optional(String.self).map { ETag($0) },
            after: try self.address(&fields), born: try fields.time(),
            source: try source(&fields),
            isConflict: try fields.optional(Int64.self) == 1)
    }

    private static func source(_ fields: inout JournalFields) throws -> CopySource? {
        guard let address = try address(&fields) else {
            fields.skip(4)
            return nil
        }
        guard let version = try base(&fields) else {
            throw JournalDamage("a copy does not say which version")
        }
        return CopySource(address: address, version: version)
    }

    private static func flight(_ fields: inout JournalFields) throws -> FlightRecord {
        guard let address = try address(&fields),
            let want = IntentRecord.Want(rawValue: try fields.narrow())
        else { throw JournalDamage("a request does nothing that is known") }
        return FlightRecord(
            address: address, want: want,
            base: try fields.optional(String.self).map { ETag($0) },
            tags: try fields.required(String.self).split(separator: "\n").map { ETag(String($0)) },
            sends: try fields.narrow(),
            isUnconditional: try fields.integer() != 0, started: try fields.time(),
            upload: try upload(&fields), mayDelete: try fields.integer() != 0)
    }

    private static func upload(_ fields: inout JournalFields) throws -> UploadRecord? {
        guard let id = try fields.optional(String.self) else {
            fields.skip(4)
            return nil
        }
        return UploadRecord(
            id: id, partSize: UInt64(bitPattern: try fields.integer()),
            generation: Generation(UInt64(bitPattern: try fields.integer())),
            size: UInt64(bitPattern: try fields.integer()),
            metadata: UInt64(bitPattern: try fields.integer()))
    }

    /// Nil: the columns are NULL.
    private static func address(_ fields: inout JournalFields) throws -> ObjectAddress? {
        guard let tenant = try fields.optional(String.self) else {
            fields.skip(2)
            return nil
        }
        let name = try fields.required(String.self)
        let bytes = [UInt8](try fields.required(Data.self))
        do throws(ObjectKey.Invalid) {
            let bucket = BucketName(tenant: tenant.isEmpty ? nil : tenant, name: name)
            return ObjectAddress(bucket: bucket, key: try ObjectKey(bytes))
        } catch {
            throw JournalDamage("it has a key that is not one (\(error))")
        }
    }
}
