import RGWBase
import RGWObject
import RGWSpool

/// Names of a directory that a listing shows although HEAD of the object, or LIST below the directory, answers that
/// there is nothing: as after an index that was left behind. What was asked for by name counts, so that nobody goes
/// from one answer to the other for ever. Pure; guarded by the volume's state.
///
/// An object is known by its version. A directory has none: between the two answers another client may have removed
/// the last name below it, and may make one again at once. Only what is denied, shown again and denied again is a contradiction.
struct DeniedNames: Sendable {
    private struct Denial: Sendable {
        /// nil: a directory.
        let object: BaseVersion?
        let at: Instant
        /// It was denied, shown again and denied again.
        let isCertain: Bool

        func holds(_ now: Instant) -> Bool {
            now < at + (object == nil ? DeniedNames.directoryLifetime : DeniedNames.lifetime)
        }
    }

    /// After that the server is asked again.
    private static let lifetime = Duration.seconds(30)
    private static let directoryLifetime = Duration.seconds(5)
    /// Bounds the memory.
    private static let countMax = 10_000

    private var names: [EntryName: Denial] = [:]

    mutating func note(_ name: EntryName, _ object: BaseVersion?, at: Instant) {
        if names.count >= Self.countMax { names = [:] }
        let isCertain =
            object != nil || names[name].map { $0.holds(at) && $0.object == nil } ?? false
        names[name] = Denial(object: object, at: at, isCertain: isCertain)
    }

    /// The entry is the one that was denied. LIST tells fractions of a second, HEAD does not.
    func contains(_ name: EntryName, _ object: BaseVersion?, now: Instant) -> Bool {
        guard let denial = names[name], denial.isCertain, denial.holds(now) else { return false }
        guard let object, let denied = denial.object else {
            return object == nil && denial.object == nil
        }
        return object.isSameToTheSecond(as: denied)
    }

    /// A listing shows no such directories: the answers agree.
    mutating func forgetDirectories(except shown: Set<EntryName>) {
        if names.isEmpty { return }
        names = names.filter { $0.value.object != nil || shown.contains($0.key) }
    }

    mutating func forgetOld(now: Instant) {
        if names.isEmpty { return }
        names = names.filter { $0.value.holds(now) }
    }
}
