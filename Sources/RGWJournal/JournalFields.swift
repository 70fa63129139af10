import GRDB
import RGWBase

/// The columns of one row, left to right. What does not have the type it must have is damage, not a
/// crash: the file comes from outside.
struct JournalFields {
    private let row: Row
    private let table: String
    private var index = 0

    init(_ row: Row, table: String) {
        self.row = row
        self.table = table
    }

    mutating func optional<Value: DatabaseValueConvertible>(_ type: Value.Type) throws -> Value? {
        let stored = try next()
        if stored.isNull { return nil }
        guard let value = Value.fromDatabaseValue(stored) else {
            throw JournalDamage("column \(index) of a row of table \(table) is malformed")
        }
        return value
    }

    mutating func required<Value: DatabaseValueConvertible>(_ type: Value.Type) throws -> Value {
        guard let value = try optional(type) else {
            throw JournalDamage("column \(index) of a row of table \(table) is missing")
        }
        return value
    }

    mutating func integer() throws -> Int64 { try required(Int64.self) }

    /// An integer of fewer bits.
    mutating func narrow<Value: FixedWidthInteger>() throws -> Value {
        guard let value = Value(exactly: try integer()) else {
            throw JournalDamage("column \(index) of a row of table \(table) is out of range")
        }
        return value
    }

    mutating func time() throws -> WallTime {
        WallTime(seconds: try integer(), nanoseconds: try integer())
    }

    mutating func skip(_ count: Int) { index += count }

    private mutating func next() throws -> DatabaseValue {
        guard index < row.count else { throw JournalDamage("table \(table) lacks columns") }
        defer { index += 1 }
        return row[index]
    }
}
