import RGWTestKit
import RGWVFS
import Testing

/// Every short sequence of operations, the mount killed at every boundary between two effects.
///
/// Without optimisation only a share, the same every time; `scripts/simulate --exhaustive` runs all.
@Suite struct CrashSequenceTests {
    @Test(arguments: [WriteGuarantee.remote, .local])
    func noCrashInOneOperationLosesAnything(guarantee: WriteGuarantee) {
        let report = Self.run(CrashSequences(lengthMax: 1), guarantee) { _ in true }
        #expect(report.sequences > 50 && report.crashes > 10 * report.sequences)
    }

    @Test func noCrashInASequenceOfTwoLosesAnything() {
        // A prime, so that the share is no pattern of the enumeration.
        let report = Self.run(CrashSequences(lengthMax: 2), .remote) { $0 % 31 == 0 }
        #expect(report.sequences > 100)
    }

    /// The object waited to be deleted and hid the directory, which only the bucket had.
    @Test(arguments: [
        CrashStep.Action.unlink("d/a"), .rename("d/a", "d/b"), .rename("d/a", "e/b"),
    ])
    func aDirectoryUnderARemovedFilesNameOutlivesACrash(action: CrashStep.Action) {
        for guarantee in [WriteGuarantee.remote, .local] {
            for sync in [CrashStep.Sync.nothing, .fsyncdir] {
                let steps = [CrashStep(action), CrashStep(.mkdir("d/a"), sync)]
                #expect(CrashRun.verdict(steps, guarantee).failure == nil)
            }
        }
    }

    /// The other way round: the marker waits for what is below it.
    @Test func aFileUnderARemovedDirectorysNameOutlivesACrash() {
        let steps = [
            CrashStep(.rename("d", "f")), CrashStep(.rename("f/a", "e/a")),
            CrashStep(.rmdir("f")), CrashStep(.save("f")),
        ]
        for guarantee in [WriteGuarantee.remote, .local] {
            #expect(CrashRun.verdict(steps, guarantee).failure == nil)
        }
    }

    /// The write that nobody acknowledged was seen, and gone again when the file had been copied.
    @Test func anUnacknowledgedWriteToAMovedFileIsWholeOrGone() {
        for steps in [
            [CrashStep(.chmod("d/a")), CrashStep(.rename("d/a", "e/b")), CrashStep(.patch("e/b"))],
            [
                CrashStep(.rename("d/a", "d/b")), CrashStep(.chmod("d/b")),
                CrashStep(.append("d/b")),
            ],
        ] {
            for guarantee in [WriteGuarantee.remote, .local] {
                #expect(CrashRun.verdict(steps, guarantee).failure == nil)
            }
        }
    }

    /// The old directory's marker waits for the old file's deletion, and that for the file to be closed.
    @Test(arguments: ["e", "f"])
    func fsyncOfADirectoryDoesNotWaitForAnOpenFileThatMovedAway(target: String) {
        let steps = [CrashStep(.hold("d/a")), CrashStep(.rename("d", target), .fsyncdir)]
        #expect(CrashRun.verdict(steps, .remote).failure == nil)
    }

    /// Runs those that `takes` chooses by their number, and records the first failures.
    private static func run(
        _ sequences: CrashSequences, _ guarantee: WriteGuarantee, _ takes: (Int) -> Bool
    ) -> (sequences: Int, crashes: Int) {
        var count = 0
        var crashes = 0
        var failures = 0
        for (index, steps) in sequences.enumerated() where takes(index) {
            let verdict = CrashRun.verdict(steps, guarantee)
            count += 1
            crashes += verdict.crashes
            guard let failure = verdict.failure else { continue }
            Issue.record("\(steps): \(failure)")
            failures += 1
            if failures == 5 { break }
        }
        print("\(count) sequences, \(crashes) crashes, fsync=\(guarantee)")
        return (count, crashes)
    }
}
