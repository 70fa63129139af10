import RGWBase
import RGWObject
import RGWSpool

/// Names of a directory that a listing shows although HEAD of the object, or LIST below the directory, answers that
/// there is nothing: as after an index that was left behind. What was asked for by name counts, so that nobody goes
/// from one answer to the other for ever. Pure; guarded by the volume's state.
struct DeniedNames: Sendable {
    private struct Denial: Sendable {
        /// nil: a directory.
        let object: BaseVersion?
        let at: Instant
    }

    /// After that the server is asked again.
    private static let lifetime = Duration.seconds(30)
    /// Bounds the memory.
    private static let countMax = 10_000

    private var names: [EntryName: Denial] = [:]

    mutating func note(_ name: EntryName, _ object: BaseVersion?, at: Instant) {
        if names.count >= Self.countMax { names = [:] }
        names[name] = Denial(object: object, at: at)
    }

    /// The entry is the one that was denied. LIST tells fractions of a second, HEAD does not.
    func contains(_ name: EntryName, _ object: BaseVersion?, now: Instant) -> Bool {
        guard let denial = names[name], now < denial.at + Self.lifetime else { return false }
        guard let object, let denied = denial.object else {
            return object == nil && denial.object == nil
        }
        return object.etag == denied.etag && object.size == denied.size
            && object.lastModified.seconds == denied.lastModified.seconds
    }

    mutating func forgetOld(now: Instant) {
        if names.isEmpty { return }
        names = names.filter { now < $0.value.at + Self.lifetime }
    }
}
