import RGWControl
import Testing

/// The text that Prometheus reads, and the requests for it.
@Suite struct MetricsTests {
    private let latency = MetricName("a_seconds", .histogram, labels: ["op"], "How long")

    @Test func aHistogramIsCumulative() {
        var text = MetricsText()
        text.add(
            latency, ["read"], bounds: [500_000, 1_000_000_000], counts: [2, 3, 4],
            nanoseconds: 2_500_000_000)
        #expect(
            text.text == """
                # HELP a_seconds How long.
                # TYPE a_seconds histogram
                a_seconds_bucket{op="read",le="0.0005"} 2
                a_seconds_bucket{op="read",le="1"} 5
                a_seconds_bucket{op="read",le="+Inf"} 9
                a_seconds_sum{op="read"} 2.5
                a_seconds_count{op="read"} 9

                """)
    }

    @Test func namesOfFilesAndServersCannotEndALabel() {
        var text = MetricsText()
        text.add(MetricName("m", .gauge, labels: ["a", "b"], "x"), ["q\"\\\n", "ü"], 1)
        #expect(text.text.contains("m{a=\"q\\\"\\\\\\n\",b=\"ü\"} 1\n"))
    }

    @Test func aMetricWithoutSamplesIsDeclaredOnce() {
        var text = MetricsText()
        text.declare(latency)
        text.add(latency, ["x"], bounds: [], counts: [0], nanoseconds: 0)
        #expect(text.text.split(separator: "\n").count(where: { $0.hasPrefix("# TYPE") }) == 1)
    }

    @Test func namesFollowPrometheusRules() {
        #expect(Set(MetricsTable.all.map(\.name)).count == MetricsTable.all.count)
        for metric in MetricsTable.all {
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            #expect(metric.name.hasPrefix("rgwfs_") || metric.name.hasPrefix("process_"))
            #expect(!metric.help.hasSuffix("."))
        }
    }

    @Test(arguments: [
        ("GET /metrics HTTP/1.1\r", MetricsRequest.metrics),
        ("GET /metrics?x=y HTTP/1.0", .metrics),
        ("GET /healthz HTTP/1.1", .health), ("GET /readyz HTTP/1.1\r", .readiness),
        ("GET / HTTP/1.1", .notFound), ("GET /metrics/ HTTP/1.1", .notFound),
        ("POST /metrics HTTP/1.1", .notAllowed), ("GET /metrics", .malformed), ("", .malformed),
        ("GET  /metrics HTTP/1.1", .malformed), ("\u{16}\u{3}\u{1}", .malformed),
    ])
    func aRequestIsWhatItsFirstLineSays(line: String, request: MetricsRequest) {
        #expect(MetricsRequest(line: Array(line.utf8)) == request)
    }

    @Test func aMountIsReadyWhenProgramsCanWorkWithIt() {
        var report = MountReport()
        #expect(MetricsAnswer.readiness(report).status == 200)
        report.silence = "timed out"
        #expect(MetricsAnswer.readiness(report).status == 503)
        report = MountReport()
        report.spoolFailure = "EIO"
        #expect(MetricsAnswer.readiness(report).status == 503)
        report = MountReport()
        report.life = .draining
        let answer = MetricsAnswer.readiness(report)
        #expect(answer.whole.hasPrefix("HTTP/1.1 503 "))
        #expect(answer.whole.hasSuffix("\r\n\r\n" + answer.text))
    }
}
