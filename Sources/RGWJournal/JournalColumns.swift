import FoundationEssentials
import GRDB
import RGWBase
import RGWObject
import RGWSpool

/// The values of one row, left to right. 64-bit unsigned values are stored as SQLite's signed integers with
/// the same bits.
///
/// A row is written for every operation, so it is made for GRDB as GRDB takes it fastest: filled one by one,
/// its values what they are bound as, and a sequence of its own, because an Array's iterator takes ten times as
/// long where GRDB calls it unspecialised. (Of values of one type, it asks for each through a key path.)
struct JournalColumns: Sequence {
    struct Iterator: IteratorProtocol {
        fileprivate let values: [DatabaseValue]
        fileprivate let end: Int
        fileprivate var index = 0

        mutating func next() -> (any DatabaseValueConvertible)?? {
            guard index < end else { return nil }
            defer { index += 1 }
            return values[index]
        }
    }

    private var values: [DatabaseValue] = []
    /// Behind the last value that is not NULL.
    private var end = 0

    /// With room for `count` columns.
    init(count: Int) { values.reserveCapacity(count) }

    /// Without the NULLs at the end: only for statements that take their arguments unchecked, where what is not
    /// bound is NULL.
    var arguments: StatementArguments { StatementArguments(self) }

    func makeIterator() -> Iterator { Iterator(values: values, end: end) }

    var underestimatedCount: Int { end }

    private mutating func append(_ value: DatabaseValue) {
        values.append(value)
        end = values.count
    }

    mutating func add(_ value: Int64?) {
        if let value { append(value.databaseValue) } else { values.append(.null) }
    }

    mutating func add(_ value: UInt64?) { add(value.map { Int64(bitPattern: $0) }) }

    mutating func add(_ value: UInt32) { add(Int64(value)) }

    mutating func add(_ value: Bool) { add(Int64(value ? 1 : 0)) }

    mutating func add(_ value: String?) {
        if let value { append(value.databaseValue) } else { values.append(.null) }
    }

    /// Seconds and nanoseconds.
    mutating func add(_ time: WallTime?) {
        add(time?.seconds)
        add(time?.nanoseconds)
    }

    /// Tenant, bucket and key.
    mutating func add(_ address: ObjectAddress?) {
        guard let address else {
            for _ in 0..<3 { values.append(.null) }
            return
        }
        add(address.bucket.tenant ?? "")
        add(address.bucket.name)
        append(Data(address.key.bytes).databaseValue)
    }

    /// Tag, size and time.
    mutating func add(_ version: BaseVersion?) {
        add(version?.etag.text)
        add(version?.size)
        add(version?.lastModified)
    }
}
