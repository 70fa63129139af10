import RGWBase
import RGWObject
import RGWWire
import Synchronization

/// What is known of each bucket: what a probe or the bucket's settings told, and what answers taught.
///
/// Guarded by its mutex, which is held for a read or a write only. Of so many buckets at most; what is
/// forgotten is learnt again.
final class BucketHabits: Sendable {
    private struct Habit {
        var found = ServerCapabilities()
        /// When an answer taught that If-Match refuses what is right: until then. A probe's finding has no end.
        var refusesMatchesUntil: Instant?
        /// The keys may list versions, so that a lost race can be seen.
        var comparesVersions = true
        /// Deletes of one version that cost a HEAD.
        var guardedDeletes = 0
    }
    private let habits = Mutex<[BucketName: Habit]>([:])

    private static let bucketsMax = 1024
    /// Why an object was refused that HEAD shows as required may be a bug of the day.
    private static let refusalsCount = Duration.seconds(300)
    /// A body up to this many bytes may be sent once more to find out what the server does.
    private static let bytesToTryMax: UInt64 = 1 << 20

    /// How one condition of a PUT goes to the server.
    enum Form: Hashable, Sendable {
        case ifMatch(IfMatchQuoting)
        case ifNoneMatch
        /// Without a condition, because the object was looked at just before.
        case bare
    }

    /// How one PUT is done.
    struct Plan: Equatable {
        /// The object is looked at before the first form is sent; before each later one it always is.
        var looksFirst: Bool
        /// Sent one after another, for as long as the server refuses what HEAD shows as right.
        var forms: [Form]
    }

    private func change<Value: Sendable>(
        _ bucket: BucketName, _ body: (inout Habit) -> Value
    ) -> Value {
        habits.withLock { habits in
            if habits[bucket] == nil, habits.count >= Self.bucketsMax, let other = habits.keys.first
            {
                habits[other] = nil
            }
            var habit = habits[bucket] ?? Habit()
            let value = body(&habit)
            habits[bucket] = habit
            return value
        }
    }

    func capabilities(of bucket: BucketName) -> ServerCapabilities {
        habits.withLock { $0[bucket]?.found ?? ServerCapabilities() }
    }

    // MARK: PUT

    /// `quoting`: the form of If-Match that the server is known to take.
    func plan(
        _ precondition: Precondition, bytes: UInt64, in bucket: BucketName,
        quoting: IfMatchQuoting?,
        now: Instant
    ) -> Plan {
        let habit = habits.withLock { $0[bucket] } ?? Habit()
        let keepsVersions = habit.found.versioning == .enabled
        // In a bucket that keeps no versions a refusal is most likely true, and what HEAD shows after it is
        // newer: the condition is worth another try.
        let repeats = habit.found.versioning == .off ? 2 : 1
        switch precondition {
        case .none: return Plan(looksFirst: false, forms: [.bare])
        case .absent:
            if habit.found.createOnly == .absent { return Plan(looksFirst: true, forms: [.bare]) }
            return Plan(
                looksFirst: keepsVersions && habit.found.createOnly != .present,
                forms: Array(repeating: .ifNoneMatch, count: repeats) + [.bare])
        case .matches:
            let isRefused =
                habit.refusesMatchesUntil.map { now < $0 }
                ?? (habit.found.conditionalPut == .absent)
            // RGW before 20 refuses the right tag there, after the whole body.
            let isDear =
                keepsVersions && habit.found.conditionalPut != .present
                && bytes > Self.bytesToTryMax
            if isRefused || isDear { return Plan(looksFirst: true, forms: [.bare]) }
            let forms =
                quoting.map { Array(repeating: Form.ifMatch($0), count: repeats) }
                ?? [.ifMatch(.unquoted), .ifMatch(.quoted)]
            return Plan(looksFirst: false, forms: forms + [.bare])
        }
    }

    /// A PUT or the end of an upload succeeded; `version`: the id that the answer names, which RGW does
    /// where versions are kept and nowhere else.
    func wrote(_ bucket: BucketName, version: String?, as form: Form) {
        change(bucket) { habit in
            let isKept = version.map { $0 != "null" } ?? false
            Self.note(isKept, &habit)
            if case .ifMatch = form {
                habit.found.conditionalPut = .present
                habit.refusesMatchesUntil = nil
            }
        }
    }

    /// What was found of conditions is of the bucket as it was.
    private static func note(_ isKept: Bool, _ habit: inout Habit) {
        guard isKept != (habit.found.versioning == .enabled) else { return }
        if isKept {
            habit.found.versioning = .enabled
        } else {
            habit.found.versioning = .suspended
        }
        (habit.found.conditionalPut, habit.found.createOnly) = (.unknown, .unknown)
        habit.refusesMatchesUntil = nil
        habit.comparesVersions = true
    }

    /// The bucket's setting.
    func learn(_ versioning: ServerCapabilities.Versioning, of bucket: BucketName) {
        change(bucket) { $0.found.versioning = versioning }
    }

    /// If-Match was refused in every form, although HEAD showed the tag that it named.
    func refusesMatches(_ bucket: BucketName, now: Instant) {
        change(bucket) { habit in
            habit.found.conditionalPut = .absent
            habit.refusesMatchesUntil = now + Self.refusalsCount
        }
    }

    /// If-None-Match was refused, and HEAD shows an object.
    func heedsCreateOnly(_ bucket: BucketName) {
        change(bucket) { $0.found.createOnly = .present }
    }

    // MARK: The rest

    func mayCompareVersions(of bucket: BucketName) -> Bool {
        habits.withLock { $0[bucket]?.comparesVersions ?? true }
    }

    func mayNotCompareVersions(of bucket: BucketName) {
        change(bucket) { $0.comparesVersions = false }
    }

    /// What the answer to a COPY of one version showed.
    func learn(conditionalCopy: ServerCapabilities.Support, of bucket: BucketName) {
        change(bucket) { $0.found.conditionalCopy = conditionalCopy }
    }

    /// What a probe found.
    func learn(_ found: ServerCapabilities, of bucket: BucketName) {
        change(bucket) { habit in
            habit.found = found
            habit.refusesMatchesUntil = nil
        }
    }

    /// Counts a delete that costs a HEAD; true once, when finding out whether it must has become worth its
    /// requests: `after` so many.
    func isWorthProbing(_ bucket: BucketName, after: Int?) -> Bool {
        change(bucket) { habit in
            habit.guardedDeletes += 1
            // A probe writes, and what is written here would stay.
            let keepsVersions = [.enabled, .suspended].contains(habit.found.versioning)
            return habit.guardedDeletes == after && !keepsVersions
                && habit.found.conditionalDelete == .unknown
        }
    }
}
