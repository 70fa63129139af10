import RGWBase
import RGWControl
import RGWHost
import RGWMount

/// Answers who asks for a mount's numbers over HTTP: the option `metrics`. Nobody listens without it.
enum MetricsServer {
    /// At a time; each holds a thread.
    private static let connectionsMax = 4
    private static let patience = Duration.seconds(5)

    /// Nil: the option was not given.
    static func start(
        _ place: MetricsPlace?, _ collector: MetricsCollector
    ) throws(MountFailure) -> HostListener? {
        guard let place else { return nil }
        do throws(HostError) {
            switch place {
            case .port(let port, let isVersion6):
                return try HostListener(
                    port: port, isVersion6: isVersion6, connectionsMax: connectionsMax
                ) { serve($0, collector) }
            case .socket(let path):
                let parts = path.split(separator: "/")
                let directory = "/" + parts.dropLast().joined(separator: "/")
                let name = String(parts.last ?? "")
                // A name that a dead mount left is replaced, one where somebody answers is not.
                let isInUse = (try? HostConnection(directory: directory, name: name)) != nil
                // EADDRINUSE, errno.h.
                if isInUse { throw HostError("listen", path: path, errno: 98) }
                return try HostListener(
                    directory: directory, name: name, connectionsMax: connectionsMax
                ) { serve($0, collector) }
            }
        } catch { throw .refused("option 'metrics' cannot be carried out: \(error)") }
    }

    private static func serve(_ connection: HostConnection, _ collector: MetricsCollector) {
        do throws(HostError) {
            let request = try request(connection)
            try connection.write(answer(request ?? .malformed, collector).whole)
        } catch {
            // Whoever asked has gone or was too slow; only they could be told.
        }
    }

    /// Nil: the head does not end.
    private static func request(_ connection: HostConnection) throws(HostError) -> MetricsRequest? {
        let limit = MetricsRequest.lineMax
        guard let first = try connection.readLine(limit: limit, within: patience) else {
            return nil
        }
        for _ in 0..<MetricsRequest.linesMax {
            guard let line = try connection.readLine(limit: limit, within: patience) else {
                return nil
            }
            if line.isEmpty || line == [0x0D] { return MetricsRequest(line: first) }
        }
        return nil
    }

    private static func answer(
        _ request: MetricsRequest, _ collector: MetricsCollector
    ) -> MetricsAnswer {
        switch request {
        case .metrics: MetricsAnswer(200, collector.text())
        case .health: MetricsAnswer(200, collector.isAlive ? "alive\n" : "")
        case .readiness: MetricsAnswer.readiness(collector.control.report())
        case .notFound: MetricsAnswer(404, "try /metrics, /healthz or /readyz\n")
        case .notAllowed: MetricsAnswer(405, "only GET\n")
        case .malformed: MetricsAnswer(400, "bad request\n")
        }
    }
}
