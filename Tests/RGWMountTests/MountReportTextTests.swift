import RGWControl
import RGWMount
import Testing

/// A mount's report in words.
@Suite struct MountReportTextTests {
    private var pending: MountReport {
        var report = MountReport()
        report.source = "photos"
        report.mountPoint = "/mnt/photos"
        report.spool = "/var/lib/rgwfs/0123"
        report.pending = 3
        report.pendingBytes = 1536
        report.oldest = .seconds(61)
        return report
    }

    @Test func aCleanMountIsOneLine() {
        var report = pending
        report.pending = 0
        #expect(report.summary == "photos on /mnt/photos: clean: everything is in the bucket")
    }

    @Test func whatWaitsIsCountedWithItsAge() {
        #expect(
            pending.summary == """
                photos on /mnt/photos: pending: 3 changes to upload
                  waiting: 3 changes (1.5 KiB), the oldest for 61 s
                """)
        #expect(pending.progress == "3 changes (1.5 KiB) to upload")
    }

    @Test func aServerThatDoesNotAnswerIsTold() {
        var report = pending
        report.silent = .seconds(75)
        report.silence = "PUT photos/a: no answer in time"
        #expect(
            report.summary.contains(
                "\n  the server has not answered for 75 s: PUT photos/a: no answer in time"))
        #expect(
            report.progress
                == "3 changes (1.5 KiB) to upload, the server has not answered for 75 s")
    }

    @Test func whatIsBeingSentIsToldWithHowFarItIs() {
        var report = pending
        report.uploading = 3
        var item = QueueItem(
            path: "large", key: "large", want: "put", state: "uploading", bytes: 4096)
        item.sending = QueueItem.Sending(bytes: 1024, partsDone: 1, parts: 4, idle: .seconds(75))
        item.tries = 2
        item.error = "no byte for 60 s"
        var quick = QueueItem(path: "d", key: "d", want: "delete", state: "uploading")
        quick.sending = QueueItem.Sending(bytes: 0, idle: .zero)
        report.sending = [item, quick]
        let told =
            "sent 1.0 KiB of 4.0 KiB, 1 of 4 parts, nothing has moved for 75 s"
        #expect(
            report.summary.contains(
                "\n  uploading: 3\n    put large  (\(told))  (tried 2 times): no byte for 60 s"))
        #expect(!report.summary.contains("delete"))
        #expect(
            item.line
                == "uploading  put  4.0 KiB  0 s  large  (\(told))  (tried 2 times): no byte for 60 s"
        )
        #expect(quick.line == "uploading  delete  0 B  0 s  d")
    }

    @Test func whatCannotBeReadIsNamed() {
        var report = pending
        report.pending = 0
        report.unreadable = 2
        report.refusedReads = [
            RefusedRead(path: "d/se\ncret", error: "access is denied", age: .seconds(3))
        ]
        #expect(
            report.summary.contains(
                "\n  objects and directories that could not be read: 2\n    3 s ago: d/se?cret: access is denied"
            ))
    }

    @Test func aSpoolThatFailedIsTold() {
        var report = pending
        report.spoolFailure = "fdatasync x (errno 5)"
        let line = "  the spool failed, no more changes are accepted: fdatasync x (errno 5)"
        #expect(report.summary.split(separator: "\n").last.map(String.init) == line)
    }

    @Test func umountSaysWhereItIsAndWhatToDo() {
        #expect(
            pending.leftover
                == "3 changes (1536 bytes) have not been uploaded and are kept in "
                + "/var/lib/rgwfs/0123. They are uploaded at the next mount; to upload them now: "
                + "rgwfs recover --upload photos")
        var one = pending
        (one.pending, one.pendingBytes) = (1, 10)
        #expect(
            one.leftover
                == "1 change (10 bytes) has not been uploaded and is kept in /var/lib/rgwfs/0123. It "
                + "is uploaded at the next mount; to upload it now: rgwfs recover --upload photos")
    }

    @Test func failuresAreNamedWithTheirReasons() {
        var report = pending
        report.blocked = 5
        report.conflicts = 1
        report.failures = [
            QueueItem(path: "a\nb", key: "a\nb", want: "put", state: "blocked", error: "denied")
        ]
        #expect(report.summary.contains("blocked: 5 changes cannot be uploaded"))
        #expect(report.summary.contains("  blocked: a?b: denied\n"))
        #expect(report.summary.contains("  and 4 more; see rgwfs queue"))
        #expect(report.leftover.contains("kept in /var/lib/rgwfs/0123 (a?b: denied). They are"))
    }

    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 30, "5.0 GiB"),
            (1_048_575, "1024.0 KiB"), (UInt64.max, "16384.0 PiB"),
        ] as [(UInt64, String)])
    func sizesAreShort(bytes: UInt64, text: String) { #expect(ByteCount.text(bytes) == text) }

    @Test(
        arguments: [
            (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"),
            (172_800, "2 d"),
        ] as [(Int64, String)])
    func agesHaveOneUnit(seconds: Int64, text: String) {
        #expect(AgeText.of(.seconds(seconds)) == text)
    }
}
