import FoundationEssentials
import GRDB
import RGWBase
import RGWObject
import RGWSpool

/// The values of one row, left to right. 64-bit unsigned values are stored as SQLite's signed integers with
/// the same bits.
///
/// Filled one by one, because a row is written for every operation: putting arrays together takes longer.
struct JournalColumns {
    private var values: [(any DatabaseValueConvertible)?] = []

    /// With room for `count` columns.
    init(count: Int) { values.reserveCapacity(count) }

    var arguments: StatementArguments { StatementArguments(values) }

    mutating func add(_ value: Int64?) { values.append(value) }

    mutating func add(_ value: UInt64?) { add(value.map { Int64(bitPattern: $0) }) }

    mutating func add(_ value: UInt32) { add(Int64(value)) }

    mutating func add(_ value: Bool) { add(Int64(value ? 1 : 0)) }

    mutating func add(_ value: String?) { values.append(value) }

    /// Seconds and nanoseconds.
    mutating func add(_ time: WallTime?) {
        add(time?.seconds)
        add(time?.nanoseconds)
    }

    /// Tenant, bucket and key.
    mutating func add(_ address: ObjectAddress?) {
        guard let address else {
            for _ in 0..<3 { values.append(nil) }
            return
        }
        add(address.bucket.tenant ?? "")
        add(address.bucket.name)
        values.append(Data(address.key.bytes))
    }

    /// Tag, size and time.
    mutating func add(_ version: BaseVersion?) {
        add(version?.etag.text)
        add(version?.size)
        add(version?.lastModified)
    }
}
