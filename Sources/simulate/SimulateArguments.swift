import RGWVFS

/// The command line of `simulate`.
struct SimulateArguments {
    enum Mode {
        case random
        case writers
        case exhaustive
    }

    var mode = Mode.random
    var seconds = 60
    var seed: UInt64 = 1
    var length = 3
    var share = 0
    var shareOf = 1
    var failuresMax = 10
    var guarantee = WriteGuarantee.remote

    static let usage = """
        simulate [--writers] [--seconds N] [--seed S] [--failures N]
        simulate --exhaustive [--seconds N] [--length L] [--share K/N] [--local] [--failures N]
        """

    /// Nil: not understood.
    init?(_ words: [String]) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--exhaustive": mode = .exhaustive
            case "--writers": mode = .writers
            case "--local": guarantee = .local
            case "--share":
                let parts = (rest.popFirst() ?? "").split(separator: "/").compactMap { Int($0) }
                guard parts.count == 2, parts[0] >= 0, parts[0] < parts[1] else { return nil }
                (share, shareOf) = (parts[0], parts[1])
            default:
                guard let value = rest.popFirst().flatMap({ UInt64($0) }), value < 1 << 31 else {
                    return nil
                }
                switch word {
                case "--seconds": seconds = Int(value)
                case "--seed": seed = value
                case "--length": length = Int(value)
                case "--failures": failuresMax = Int(value)
                default: return nil
                }
            }
        }
    }
}
