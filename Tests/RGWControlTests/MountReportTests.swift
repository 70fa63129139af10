import RGWBase
import RGWControl
import Testing

/// What a mount says of itself.
@Suite struct MountReportTests {
    private var full: MountReport {
        var report = MountReport()
        report.life = .draining
        report.source = "photos/2024"
        report.server = "http://rgw:7480"
        report.mountPoint = "/mnt/ü \"x\""
        report.device = "0:53"
        report.process = 4711
        report.spool = "/var/lib/rgwfs/0123456789abcdef"
        report.drainTimeout = .milliseconds(1500)
        report.pending = 7
        report.pendingBytes = 1 << 62
        report.uploading = 2
        report.retrying = 3
        report.open = 6
        report.blocked = 1
        report.conflicts = 1
        report.oldest = .milliseconds(61_250)
        report.lost = 4
        report.hidden = 5
        report.spoolFree = 123
        report.spoolFailure = "fdatasync x (errno 5)"
        report.silent = .milliseconds(61_250)
        report.silence = "HEAD b/k: the server did not answer in time"
        report.unreadable = 3
        report.refusedReads = [RefusedRead(path: "a\nb", error: "no", age: .seconds(2))]
        report.sending = [
            QueueItem(
                path: "up", key: "up", want: "put", state: "uploading", tries: 2, error: "late",
                bytes: 100,
                sending: QueueItem.Sending(bytes: 7, partsDone: 1, parts: 3, idle: .seconds(9))),
            QueueItem(
                path: "x", key: "x", want: "delete", state: "uploading",
                sending: QueueItem.Sending(bytes: 0, idle: .zero)),
        ]
        report.failures = [
            QueueItem(
                path: "a\nb", key: "k", want: "put", state: "conflict", tries: 3, error: "why",
                age: .seconds(61), bytes: 12, next: .seconds(5))
        ]
        return report
    }

    @Test func aReportIsReadAsItWasWritten() throws {
        let line = full.json.line
        #expect(MountReport(try JSONValue(parsing: Array(line.utf8))) == full)
        #expect(MountReport(MountReport().json) == MountReport())
        #expect(MountReport(.object([:])) == nil)
    }

    @Test func theExitStatusTellsTheState() {
        var report = MountReport()
        #expect(report.state.exitCode == 0)
        report.pending = 1
        #expect(report.state.exitCode == 1)
        report.blocked = 1
        #expect(report.state.exitCode == 2)
    }

    @Test func longTroubleIsLoggedOnceAndItsEndToo() {
        var watch = MountWatch()
        var report = MountReport()
        report.pending = 2
        report.retrying = 1
        report.oldest = .seconds(299)
        #expect(watch.look(report) == nil)
        report.oldest = .seconds(300)
        #expect(watch.look(report) == .stuck(pending: 2, oldest: .seconds(300)))
        report.oldest = .seconds(900)
        #expect(watch.look(report) == nil)
        report.retrying = 0
        #expect(watch.look(report) == .moving)
        #expect(watch.look(report) == nil)
    }

    @Test func theServiceManagerIsToldOnlyWhatIsNew() {
        var watch = MountWatch()
        var report = MountReport()
        #expect(watch.status(report) == "everything is in the bucket")
        #expect(watch.status(report) == nil)
        report.pending = 2
        report.life = .draining
        #expect(watch.status(report) == "unmounted: waiting for their upload: 2")
        report.blocked = 1
        #expect(watch.status(report) == "unmounted: cannot be uploaded: 1")
    }
}
