import Synchronization

/// Gathers a small answer's blocks.
final class Collector: Sendable {
    private let state = Mutex<[UInt8]>([])

    func append(_ block: [UInt8]) { state.withLock { $0.append(contentsOf: block) } }

    var bytes: [UInt8] { state.withLock { $0 } }
}
