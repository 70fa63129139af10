/// What a metric is. Source: Prometheus, "Metric types".
package struct MetricName: Hashable, Sendable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    package let name: String
    package let kind: Kind
    /// One sentence without its full stop.
    package let help: String
    package let labels: [String]

    package init(_ name: String, _ kind: Kind, labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }
}

/// Metrics as text. Source: Prometheus, "Text-based format", version 0.0.4.
package struct MetricsText: Sendable {
    package private(set) var text = ""
    private var last: String?

    package init() {}

    /// One sample of a metric without labels; all of one metric come one after the other.
    package mutating func add(_ metric: MetricName, seconds value: Double) {
        begin(metric)
        text += metric.name + " " + Self.number(value) + "\n"
    }

    package mutating func add(_ metric: MetricName, _ value: UInt64) { add(metric, [], value) }

    /// `values`: of its labels, in order.
    package mutating func add(_ metric: MetricName, _ values: [String], _ value: UInt64) {
        begin(metric)
        text += "\(metric.name)\(Self.labels(metric.labels, values)) \(value)\n"
    }

    /// A histogram of seconds. `bounds`: upper ones, in nanoseconds; `counts` has one more.
    package mutating func add(
        _ metric: MetricName, _ values: [String], bounds: [Int64], counts: [UInt64],
        nanoseconds: UInt64
    ) {
        begin(metric)
        var sum: UInt64 = 0
        let names = metric.labels + ["le"]
        for (index, count) in counts.enumerated() {
            sum &+= count
            let bound =
                index < bounds.count ? Self.number(Double(bounds[index]) / 1e9) : "+Inf"
            text += "\(metric.name)_bucket\(Self.labels(names, values + [bound])) \(sum)\n"
        }
        let labels = Self.labels(metric.labels, values)
        text += "\(metric.name)_sum\(labels) \(Self.number(Double(nanoseconds) / 1e9))\n"
        text += "\(metric.name)_count\(labels) \(sum)\n"
    }

    /// A metric that may have no samples yet.
    package mutating func declare(_ metric: MetricName) { begin(metric) }

    private mutating func begin(_ metric: MetricName) {
        guard last != metric.name else { return }
        last = metric.name
        text +=
            "# HELP \(metric.name) \(metric.help).\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
    }

    /// Swift writes small and large numbers with an exponent, as Go reads them.
    private static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }

    private static func labels(_ names: [String], _ values: [String]) -> String {
        guard !names.isEmpty else { return "" }
        return "{" + zip(names, values).map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
            + "}"
    }

    /// Backslash, quote and line's end; names of files and servers may have any of them.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
