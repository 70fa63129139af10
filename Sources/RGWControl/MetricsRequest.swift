/// What a client of the metrics socket asks for. Source: RFC 9112, section 3.
package enum MetricsRequest: Equatable, Sendable {
    case metrics
    /// Whether the process lives.
    case health
    /// Whether programs can work with the mount.
    case readiness
    case notFound
    case notAllowed
    case malformed

    /// Bytes of a line, and lines of a head.
    package static let lineMax = 4096
    package static let linesMax = 100

    /// The first line, without its end.
    package init(line: [UInt8]) {
        var bytes = line
        if bytes.last == 0x0D { bytes.removeLast() }
        let words = bytes.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, words[2].starts(with: "HTTP/1.".utf8) else {
            self = .malformed
            return
        }
        guard words[0].elementsEqual("GET".utf8) else {
            self = .notAllowed
            return
        }
        let path = words[1].prefix { $0 != 0x3F }
        switch String(decoding: path, as: UTF8.self) {
        case "/metrics": self = .metrics
        case "/healthz": self = .health
        case "/readyz": self = .readiness
        default: self = .notFound
        }
    }
}

/// An answer, after which the connection ends.
package struct MetricsAnswer: Equatable, Sendable {
    package var status: Int
    package var text: String
    /// Source: Prometheus, "Text-based format".
    package var type = "text/plain; version=0.0.4; charset=utf-8"

    package init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }

    package var whole: String {
        let reason =
            switch status {
            case 200: "OK"
            case 400: "Bad Request"
            case 404: "Not Found"
            case 405: "Method Not Allowed"
            default: "Service Unavailable"
            }
        return "HTTP/1.1 \(status) \(reason)\r\nContent-Type: \(type)\r\n"
            + "Content-Length: \(text.utf8.count)\r\nCache-Control: no-store\r\n"
            + "Connection: close\r\n\r\n\(text)"
    }

    /// Why programs cannot work with it now; nil: they can.
    package static func obstacle(_ report: MountReport) -> String? {
        if report.life != .mounted { return "not mounted: \(report.life.rawValue)" }
        if let failure = report.spoolFailure { return "the spool has failed: \(failure)" }
        if let silence = report.silence { return "the server does not answer: \(silence)" }
        return nil
    }

    package static func readiness(_ report: MountReport) -> MetricsAnswer {
        guard let obstacle = obstacle(report) else { return MetricsAnswer(200, "ready\n") }
        return MetricsAnswer(503, obstacle + "\n")
    }
}
