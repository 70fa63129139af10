import RGWBase
import RGWObject

/// Changes of names and attributes that the server refused and that were taken back: no open file is there
/// to report them, so fsync of a directory above does, once to everybody who has it open. Pure; guarded by
/// the volume's state.
struct NameFailures: Sendable {
    private struct Failure: Sendable {
        var sequence: UInt64
        var address: ObjectAddress
        var error: FileSystemError
        /// Somebody was told: who opens a directory later is not.
        var isReported = false
    }

    private var failures: [Failure] = []

    /// Older ones are forgotten: nobody asks for them any more.
    private static let most = 1000

    mutating func append(_ address: ObjectAddress, _ error: FileSystemError, sequence: UInt64) {
        if failures.count >= Self.most { failures.removeFirst() }
        failures.append(Failure(sequence: sequence, address: address, error: error))
    }

    /// What a directory that is opened now has not to report.
    var reported: UInt64 { failures.last { $0.isReported }?.sequence ?? 0 }

    /// The first failure below `prefix` after `seen`, which moves on to the last.
    mutating func take(under prefix: KeyPrefix, seen: inout UInt64) -> FileSystemError? {
        var first: FileSystemError?
        for index in failures.indices
        where failures[index].sequence > seen && prefix.contains(failures[index].address) {
            failures[index].isReported = true
            if first == nil { first = failures[index].error }
        }
        seen = max(seen, failures.last?.sequence ?? 0)
        return first
    }
}
