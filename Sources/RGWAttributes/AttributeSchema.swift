import GRDB

/// The tables of the database of attributes. A file of another form, or another program's, is never read: it is
/// dropped and made anew.
enum AttributeSchema {
    /// "RGWA", for file(1).
    static let applicationID: Int64 = 0x5247_5741

    /// False: it is not of this form.
    static func isUsable(_ database: Database) throws -> Bool {
        let application = try Int64.fetchOne(database, sql: "PRAGMA application_id")
        let form = try Int64.fetchOne(database, sql: "PRAGMA user_version")
        return application == applicationID && form == KnownObjectBytes.form
    }

    static func isEmpty(_ database: Database) throws -> Bool {
        try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
    }

    /// `id` grows with each row that is written, so that the lowest ones are the oldest. `place` is a hash of the
    /// object's address, and `sum` one of the address and the bytes.
    static func create(_ database: Database) throws {
        try database.inTransaction(.immediate) {
            try database.execute(
                sql: """
                    CREATE TABLE object (
                        id INTEGER PRIMARY KEY,
                        place INTEGER NOT NULL UNIQUE,
                        sum INTEGER NOT NULL,
                        known BLOB NOT NULL
                    ) STRICT;
                    CREATE TABLE number (
                        home INTEGER PRIMARY KEY,
                        number INTEGER NOT NULL UNIQUE
                    ) STRICT;
                    PRAGMA application_id=\(applicationID);
                    PRAGMA user_version=\(KnownObjectBytes.form);
                    """)
            return .commit
        }
    }
}
