import RGWBase
import RGWControl
import RGWHost
import RGWMount

/// `rgwfs stats DIR SECONDS`: what a mount did since the last line, one line after the other, as vmstat(8) does.
struct StatsLines {
    private struct Sample {
        var operations: UInt64 = 0
        var requests: UInt64 = 0
        var failures: UInt64 = 0
        var sent: UInt64 = 0
        var received: UInt64 = 0

        init(_ stats: JSONValue) {
            operations = Self.sum(stats["operations"], "count")
            requests = Self.sum(stats["requests"], "count")
            failures = Self.sum(stats["requests"], "failures")
            sent = Self.sum(stats["requests"], "bytes_sent")
            received = Self.sum(stats["requests"], "bytes_received")
        }

        private static func sum(_ kinds: JSONValue?, _ name: String) -> UInt64 {
            guard case .object(let kinds)? = kinds else { return 0 }
            return kinds.values.reduce(0) { $0 &+ ($1[name]?.count ?? 0) }
        }
    }

    private let spool: CataloguedSpool
    private let isJSON: Bool
    /// Lines between two headings.
    private static let page = 20

    init(_ spool: CataloguedSpool, json: Bool) {
        self.spool = spool
        isJSON = json
    }

    /// `count`: nil: for ever.
    func run(every interval: Duration, count: Int?) throws {
        let clock = HostClock()
        var (last, time) = try (sample(), clock.now())
        var line = 0
        while count.map({ line < $0 }) ?? true {
            let pause = HostCondition<Void>(())
            _ = pause.wait(until: time + interval) { _ in nil as Void? }
            let (next, now) = try (sample(), clock.now())
            guard let report = try ControlClient.report(spool: spool.path) else {
                throw ControlClient.Silence(reason: "it ended")
            }
            let seconds = max(0.001, (now - time).inSeconds)
            if !isJSON, line % Self.page == 0 { Command.print(Self.heading) }
            Command.print(
                isJSON ? json(last, next, seconds, report) : text(last, next, seconds, report))
            (last, time) = (next, now)
            line += 1
        }
    }

    private func sample() throws -> Sample { Sample(try Command.client(spool).ask(.stats)) }

    private static let heading =
        "operations/s  requests/s  failed/s       sent/s   received/s  waiting        bytes"

    private func text(
        _ last: Sample, _ next: Sample, _ seconds: Double, _ report: MountReport
    ) -> String {
        func rate(_ path: KeyPath<Sample, UInt64>) -> UInt64 {
            UInt64((Double(next[keyPath: path] &- last[keyPath: path]) / seconds).rounded())
        }
        return "\(rate(\.operations))".padded(left: 12) + "\(rate(\.requests))".padded(left: 12)
            + "\(rate(\.failures))".padded(left: 10)
            + ByteCount.text(rate(\.sent)).padded(left: 13)
            + ByteCount.text(rate(\.received)).padded(left: 13)
            + "\(report.pending)".padded(left: 9)
            + ByteCount.text(report.pendingBytes).padded(left: 13)
    }

    private func json(
        _ last: Sample, _ next: Sample, _ seconds: Double, _ report: MountReport
    ) -> String {
        JSONValue.object([
            "seconds": .seconds(.nanoseconds(Int64(seconds * 1e9))),
            "operations": .integer(next.operations &- last.operations),
            "requests": .integer(next.requests &- last.requests),
            "failures": .integer(next.failures &- last.failures),
            "bytes_sent": .integer(next.sent &- last.sent),
            "bytes_received": .integer(next.received &- last.received),
            "pending": .integer(report.pending), "pending_bytes": .integer(report.pendingBytes),
        ]).line
    }
}
