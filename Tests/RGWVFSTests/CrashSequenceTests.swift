import RGWTestKit
import RGWVFS
import Testing

/// Every short sequence of operations, the mount killed at every boundary between two effects.
///
/// `scripts/simulate --exhaustive` runs all sequences of three; here all of up to two and a share of three.
@Suite struct CrashSequenceTests {
    /// Of the sequences of three, one of so many, the same ones every time. A prime, so that the share is
    /// no pattern of the enumeration.
    private static let shareOf = 4001

    @Test(arguments: [WriteGuarantee.remote, .local])
    func noCrashInASequenceOfTwoLosesAnything(guarantee: WriteGuarantee) {
        let report = Self.run(CrashSequences(lengthMax: 2), guarantee) { _ in true }
        #expect(report.sequences > 1000 && report.crashes > 10 * report.sequences)
    }

    @Test func noCrashInASequenceOfThreeLosesAnything() {
        let report = Self.run(CrashSequences(lengthMax: 3), .remote) { $0 % Self.shareOf == 0 }
        #expect(report.sequences > 50)
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
