import RGWBase
import RGWClient
import RGWControl
import RGWFuse
import RGWMount
import RGWWire

/// The counters of a mount, as JSON and in words.
enum StatsText {
    static func json(_ counts: [S3Operation: RequestTally]) -> JSONValue {
        var kinds: [String: JSONValue] = [:]
        for (operation, tally) in counts {
            kinds[operation.rawValue] = .object([
                "count": .integer(tally.count), "failures": .integer(tally.failures),
                "retries": .integer(tally.retries), "bytes_sent": .integer(tally.bytesSent),
                "bytes_received": .integer(tally.bytesReceived),
                "seconds": .seconds(tally.time), "seconds_max": .seconds(tally.timeMax),
            ])
        }
        return .object(kinds)
    }

    static func json(_ meter: FuseMeter) -> JSONValue {
        var kinds: [String: JSONValue] = [:]
        let failures = meter.failures
        for operation in FuseOperation.allCases {
            let latencies = meter.latencies(of: operation)
            guard latencies.count > 0 else { continue }
            let failed = failures.filter { $0.key.operation == operation }.values.reduce(0, +)
            kinds[operation.name] = .object([
                "count": .integer(latencies.count), "failures": .integer(failed),
                "seconds": .seconds(.nanoseconds(Int64(clamping: latencies.nanoseconds))),
            ])
        }
        return .object(kinds)
    }

    /// A table, a line for each kind of request.
    static func table(_ stats: JSONValue) -> String {
        var lines = ["request                count  failed        sent    received   mean    max"]
        if case .object(let kinds)? = stats["requests"] {
            for (name, tally) in kinds.sorted(by: { $0.key < $1.key }) {
                lines.append(line(name, tally))
            }
        }
        lines.append("operation              count  failed   mean")
        if case .object(let kinds)? = stats["operations"] {
            for (name, tally) in kinds.sorted(by: { $0.key < $1.key }) {
                lines.append(operation(name, tally))
            }
        }
        let cached = stats["cached_bytes"]?.count ?? 0
        lines.append("clean data in memory: \(ByteCount.text(cached))")
        return lines.joined(separator: "\n")
    }

    private static func line(_ name: String, _ tally: JSONValue) -> String {
        let count = tally["count"]?.count ?? 0
        let time = tally["seconds"]?.seconds ?? .zero
        let most = tally["seconds_max"]?.seconds ?? .zero
        let mean = count == 0 ? .zero : time / Int(count)
        return name.padded(to: 20) + "\(count)".padded(left: 8)
            + "\(tally["failures"]?.count ?? 0)".padded(left: 8)
            + ByteCount.text(tally["bytes_sent"]?.count ?? 0).padded(left: 12)
            + ByteCount.text(tally["bytes_received"]?.count ?? 0).padded(left: 12)
            + milliseconds(mean).padded(left: 7) + milliseconds(most).padded(left: 7) + " ms"
    }

    private static func operation(_ name: String, _ tally: JSONValue) -> String {
        let count = tally["count"]?.count ?? 0
        let time = tally["seconds"]?.seconds ?? .zero
        let mean = count == 0 ? .zero : time / Int(count)
        return name.padded(to: 20) + "\(count)".padded(left: 8)
            + "\(tally["failures"]?.count ?? 0)".padded(left: 8)
            + "\(mean.inNanoseconds / 1000)".padded(left: 7) + " us"
    }

    private static func milliseconds(_ time: Duration) -> String {
        "\(time.inNanoseconds / 1_000_000)"
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    func padded(left width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
