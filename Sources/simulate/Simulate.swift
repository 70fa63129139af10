import RGWBase
import RGWHost
import RGWTestKit

/// Runs the model test with random operations until the time is over, or every short sequence with a crash
/// at every boundary; prints what failed, made as short as it gets. `scripts/simulate` builds and starts it.
@main
enum Simulate {
    static func main() {
        let words = CommandLine.arguments.dropFirst()
        guard let arguments = SimulateArguments(Array(words)) else {
            say(SimulateArguments.usage)
            HostProcess.exit(2)
        }
        switch arguments.mode {
        case .random: HostProcess.exit(random(arguments, alone + writers) ? 0 : 1)
        case .writers: HostProcess.exit(random(arguments, writers) ? 0 : 1)
        case .exhaustive: HostProcess.exit(exhaustive(arguments) ? 0 : 1)
        }
    }

    /// At once, so that a run that is cut off has said what it knew.
    private static func say(_ text: String) { StandardOutput.write(text + "\n") }

    private static func elapsed(since start: Instant, _ clock: HostClock) -> Double {
        Double(clock.now().nanoseconds - start.nanoseconds) / 1e9
    }

    // MARK: Random operations

    /// One run with a seed: nil, or what failed and the shortest sequence that fails.
    private typealias Run = @Sendable (UInt64) -> [String]?

    /// What goes wrong in a run, from nothing at all to everything.
    private static let alone: [Run] = [
        { model($0) { _ in } }, { model($0) { $0.faults = 10 } }, { model($0) { $0.faults = 25 } },
        {
            model($0) {
                $0.faults = 10
                $0.stranger = true
            }
        },
    ]

    /// Two mounts and another client, with cache times, conflicts and faults that follow from the seed.
    private static let writers: [Run] = [
        { seed in
            let plan = WritersRun.Plan.drawn(seed)
            guard WritersRun.failure(plan, plan.operations) != nil,
                let (operations, failure) = WritersRun.shrunk(plan)
            else { return nil }
            return ["writers, seed \(seed), \(plan.text): \(failure)"]
                + operations.map { "    \($0)" }
        }
    ]

    private static func model(
        _ seed: UInt64, _ adjust: (inout ModelRun.Plan) -> Void
    ) -> [String]? {
        var plan = ModelRun.Plan(seed: seed)
        adjust(&plan)
        guard ModelRun.failure(plan, plan.operations) != nil,
            let (operations, failure) = ModelRun.shrunk(plan)
        else { return nil }
        return ["seed \(seed), faults \(plan.faults), stranger \(plan.stranger): \(failure)"]
            + operations.map { "    \($0)" }
    }

    private static func random(_ arguments: SimulateArguments, _ kinds: [Run]) -> Bool {
        let clock = HostClock()
        let end = clock.now() + .seconds(arguments.seconds)
        let start = clock.now()
        var seed = arguments.seed
        var failures = 0
        // More failures would only hide the first ones.
        while clock.now() < end, failures < arguments.failuresMax {
            for run in kinds {
                guard let lines = run(seed) else { continue }
                failures += 1
                for line in lines { say(line) }
            }
            seed += 1
        }
        let runs = (seed - arguments.seed) * UInt64(kinds.count)
        let seconds = elapsed(since: start, clock)
        say(
            "\(runs) runs, seeds \(arguments.seed) ..< \(seed), "
                + "\(Int(Double(runs) / max(1, seconds))) a second, \(failures) failed")
        return failures == 0
    }

    // MARK: All sequences

    private static func exhaustive(_ arguments: SimulateArguments) -> Bool {
        let clock = HostClock()
        let start = clock.now()
        let end = start + .seconds(arguments.seconds)
        var sequences = 0
        var crashes = 0
        var failures = 0
        var isWhole = true
        for (index, steps) in CrashSequences(lengthMax: arguments.length).enumerated()
        where index % arguments.shareOf == arguments.share {
            guard clock.now() < end else {
                isWhole = false
                break
            }
            let verdict = CrashRun.verdict(steps, arguments.guarantee)
            sequences += 1
            crashes += verdict.crashes
            if let failure = verdict.failure {
                failures += 1
                say("\(steps): \(failure)")
                if failures >= arguments.failuresMax { break }
            }
        }
        let seconds = elapsed(since: start, clock)
        say(
            "\(isWhole ? "all" : "the first") \(sequences) sequences of at most \(arguments.length) "
                + "steps (share \(arguments.share) of \(arguments.shareOf)), \(crashes) crashes, "
                + "\(Int(seconds)) s, \(failures) failed")
        return failures == 0
    }
}
