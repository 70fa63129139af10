import RGWBase
import RGWClient
import RGWControl
import RGWFuse
import RGWHost
import RGWMount
import RGWVFS
import RGWWire

/// A mount's numbers at one moment, as Prometheus reads them.
struct MetricsCollector: Sendable {
    private typealias Table = MetricsTable
    let parts: Composition
    let control: MountControl

    /// The file system's state can be had: where its lock is stuck this does not return.
    var isAlive: Bool { parts.fileSystem.cachedBytes >= 0 }

    func text() -> String {
        var text = MetricsText()
        let report = control.report()
        text.add(Table.build, [Program.version], 1)
        text.add(Table.mount, [report.source, report.server, report.mountPoint], 1)
        text.add(Table.mounted, report.life == .mounted ? 1 : 0)
        addKernel(&text)
        addServer(&text, report)
        addQueue(&text, report)
        addSpool(&text, report)
        text.add(Table.resident, HostMemory.resident())
        text.add(Table.processor, seconds: HostMemory.processorTime().inSeconds)
        text.add(Table.started, UInt64(clamping: parts.startedAt.seconds))
        return text.text
    }

    private func addKernel(_ text: inout MetricsText) {
        text.declare(Table.fuseDuration)
        for operation in FuseOperation.allCases {
            let latencies = parts.meter.latencies(of: operation)
            if latencies.count > 0 { text.add(Table.fuseDuration, [operation.name], latencies) }
        }
        text.declare(Table.fuseErrors)
        let failures = parts.meter.failures.sorted {
            ($0.key.operation.rawValue, $0.key.errno) < ($1.key.operation.rawValue, $1.key.errno)
        }
        for (failure, count) in failures {
            text.add(Table.fuseErrors, [failure.operation.name, "\(failure.errno)"], count)
        }
    }

    private func addServer(_ text: inout MetricsText, _ report: MountReport) {
        let tallies = parts.tallies.map { (name: $0.key.rawValue, tally: $0.value) }
            .sorted { $0.name < $1.name }
        text.declare(Table.serverDuration)
        for (name, tally) in tallies { text.add(Table.serverDuration, [name], tally.latencies) }
        text.declare(Table.serverErrors)
        for (name, tally) in tallies {
            for (code, count) in tally.errors.sorted(by: { $0.key < $1.key }) {
                text.add(Table.serverErrors, [name, code], count)
            }
        }
        text.declare(Table.serverRetries)
        for (name, tally) in tallies { text.add(Table.serverRetries, [name], tally.retries) }
        text.declare(Table.serverSent)
        for (name, tally) in tallies { text.add(Table.serverSent, [name], tally.bytesSent) }
        text.declare(Table.serverReceived)
        for (name, tally) in tallies { text.add(Table.serverReceived, [name], tally.bytesReceived) }
        text.add(Table.serverUnderWay, UInt64(max(0, parts.requestsUnderWay)))
        text.add(Table.serverSilent, seconds: (report.silent ?? .zero).inSeconds)
    }

    private func addQueue(_ text: inout MetricsText, _ report: MountReport) {
        text.add(Table.changes, report.pending)
        text.add(Table.bytes, report.pendingBytes)
        text.add(Table.oldest, seconds: (report.oldest ?? .zero).inSeconds)
        text.add(Table.uploading, report.uploading)
        text.add(Table.uploads, UInt64(max(0, parts.fileSystem.uploadsLimit)))
        text.add(Table.retrying, report.retrying)
        text.add(Table.open, report.open)
        text.add(Table.blocked, report.blocked)
        text.add(Table.conflicts, report.conflicts)
        text.add(Table.takenBack, report.refused)
        text.add(Table.refusedWrites, seconds: (report.writesRefused ?? .zero).inSeconds)
    }

    private func addSpool(_ text: inout MetricsText, _ report: MountReport) {
        text.declare(Table.spoolFree)
        if let free = report.spoolFree { text.add(Table.spoolFree, free) }
        text.add(Table.spoolFailed, report.spoolFailure == nil ? 0 : 1)
        text.add(Table.lost, report.lost)
        text.add(Table.cached, UInt64(max(0, parts.fileSystem.cachedBytes)))
        text.add(Table.cacheLimit, UInt64(max(0, control.settings.volume.memoryBytes)))
        text.add(Table.unreadable, report.unreadable)
        text.add(Table.hidden, report.hidden)
    }
}

extension MetricsText {
    fileprivate mutating func add(
        _ metric: MetricName, _ values: [String], _ latencies: Latencies
    ) {
        add(
            metric, values, bounds: LatencyCounter.bounds, counts: latencies.counts,
            nanoseconds: latencies.nanoseconds)
    }
}
