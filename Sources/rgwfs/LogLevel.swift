import Logging
import RGWMount
import Synchronization

/// Which messages of one mount are logged: shared by all copies of its logger, and changed while it serves.
final class LogLevel: Sendable {
    private let index: Atomic<Int>

    init(_ threshold: LogThreshold) { index = Atomic(Self.index(threshold)) }

    func set(_ threshold: LogThreshold) {
        index.store(Self.index(threshold), ordering: .relaxed)
    }

    var level: Logger.Level {
        switch LogThreshold.allCases[index.load(ordering: .relaxed)] {
        case .error: .error
        case .warning: .warning
        case .info: .info
        case .debug: .debug
        }
    }

    private static func index(_ threshold: LogThreshold) -> Int {
        LogThreshold.allCases.firstIndex(of: threshold) ?? 0
    }
}
