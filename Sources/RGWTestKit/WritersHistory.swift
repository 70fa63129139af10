import RGWBase

/// What several writers did and saw, in order. `index`: of the operation.
struct WritersHistory {
    enum Kind { case put, save, append, patch, cut }

    /// What one writer changes of a file between open and close. 2 is the other client.
    struct Session {
        var writer: Int
        var name: String
        var kind: Kind
        var start: Int
        var startedAt: Instant
        /// nil: still open.
        var end: Int?
        var steps: [WriterStep] = []
        /// Tags of what close or fsync has confirmed.
        var acknowledged: [UInt8] = []
        var isTold = false
    }

    /// A name that got another's content, or lost its own (`new` is nil).
    struct Move {
        var writer: Int
        var old: String
        var new: String?
        /// The old name keeps its content.
        var isCopy = false
        var index: Int
        var time: Instant
    }

    struct Sighting {
        var content: [UInt8]?
        var time: Instant
        var index: Int
    }

    struct Mark {
        var writer: Int
        var name: String
        var tag: UInt8
        var index: Int
        var time: Instant
    }

    var sessions: [Session] = []
    var landings: [UInt8: MarkWatch.Landing] = [:]
    /// Changes of permissions, which are to leave everything else as it is.
    var modes: [(writer: Int, name: String, time: Instant)] = []
    var kills: [(client: Int, time: Instant)] = []
    var moves: [Move] = []
    var marks: [Mark] = []
    /// Writer, name and index of each error that a program got from write, fsync or close.
    var refusals: [(writer: Int, name: String, index: Int)] = []
    /// Names that a mount's status told of.
    var told: Set<String> = []
    var mismatch: String?
    private(set) var bucket: [String: [Sighting]] = [:]
    private var nextStep = 0
    private var explained: [[UInt8]: Int] = [:]

    /// How long after its answer a rename may still copy or delete in the bucket.
    private static let moveTime = Duration.seconds(240)

    mutating func note(_ content: [UInt8]?, of name: String, at time: Instant, index: Int) {
        let last = bucket[name]?.last
        if let last, last.content == content { return }
        if last == nil, content == nil { return }
        bucket[name, default: []].append(Sighting(content: content, time: time, index: index))
    }

    mutating func step(
        _ session: Int, _ kind: WriterStep.Kind, tag: UInt8 = 0, count: Int = 0
    ) {
        nextStep += 1
        sessions[session].steps.append(
            WriterStep(
                writer: sessions[session].writer, number: nextStep, kind: kind, tag: tag,
                count: count))
    }

    /// Whether changes made so far make this content.
    mutating func explains(_ content: [UInt8]) -> Bool {
        if explained[content] != nil { return true }
        let steps = sessions.flatMap(\.steps)
        guard WriterExplanation.explains(steps, content) else { return false }
        explained[content] = steps.count
        return true
    }

    /// Under which names a content may be that was under this one then, and since when.
    func reach(
        _ name: String, since index: Int, at time: Instant
    ) -> [String: (index: Int, time: Instant)] {
        var found = [name: (index: index, time: time)]
        var changes = true
        while changes {
            changes = false
            for move in moves {
                guard let new = move.new, let old = found[move.old],
                    move.time + Self.moveTime >= old.time
                else { continue }
                let since = (index: max(move.index, old.index), time: max(move.time, old.time))
                if let known = found[new], known.index <= since.index { continue }
                found[new] = since
                changes = true
            }
        }
        return found
    }

    /// Why what was acknowledged may be nowhere; nil: nothing explains it.
    func excuse(_ lost: Session, tag: UInt8, localWins: Bool) -> String? {
        let found = reach(lost.name, since: lost.start, at: lost.startedAt)
        for (name, since) in found {
            if told.contains(name)
                || refusals.contains(where: {
                    $0.writer == lost.writer && $0.name == name && $0.index >= lost.start
                })
            {
                return "told"
            }
            let count = lost.steps.first { $0.tag == tag }?.count ?? 0
            for other in sessions where other.name == name {
                if other.start == lost.start, other.writer == lost.writer { continue }
                // The version of a mount that wins conflicts replaces whatever is there, whenever it was written.
                if localWins, other.writer != 2 { return "a conflict of \(name)" }
                let isLater = other.end.map { $0 > since.index } ?? true
                if isLater, other.replaces(count) { return "\(other.kind) of \(name)" }
            }
            if isRemoved(name, since, found, lost.writer, tag: tag) { return "a move of \(name)" }
        }
        return nil
    }

    /// The bucket has had it under this name: what another writer moves from there.
    private func wasAt(_ name: String, _ tag: UInt8?) -> Bool {
        guard let tag else { return true }
        return bucket[name]?.contains { $0.content?.contains(tag) ?? false } ?? false
    }

    /// Somebody removed the name, or moved something else there. `tag`: what is looked for, by `writer`; nil: anything.
    private func isRemoved(
        _ name: String, _ since: (index: Int, time: Instant),
        _ found: [String: (index: Int, time: Instant)], _ writer: Int, tag: UInt8?
    ) -> Bool {
        moves.contains { move in
            guard let new = move.new else { return move.old == name && move.index > since.index }
            // It brought here what is looked for, or the same back.
            let mayCarry = found[move.old].map { move.index >= $0.index } ?? false
            let isCarrier = mayCarry && (move.writer == writer || wasAt(move.old, tag))
            if new != name || isCarrier { return false }
            // A copy has no condition on its target: rgwfs(7), LIMITS.
            return move.index > since.index || move.time + Self.moveTime >= since.time
        }
    }

    /// Why an attribute that was set may be gone; nil: nothing explains it. Only what rgwfs(7) says in LIMITS.
    func excuse(_ lost: Mark, localWins: Bool) -> String? {
        let found = reach(lost.name, since: lost.index, at: lost.time)
        for (name, since) in found {
            if told.contains(name)
                || refusals.contains(where: {
                    $0.writer == lost.writer && $0.name == name && $0.index > lost.index
                })
            {
                return "told"
            }
            if marks.contains(where: { $0.name == name && $0.index > lost.index }) { return "set" }
            for other in sessions where other.name == name {
                // The other client's objects have none.
                if other.writer == 2, other.start > since.index { return "put" }
                if localWins, other.writer != lost.writer, other.writer != 2 { return "conflict" }
            }
            if isRemoved(name, since, found, lost.writer, tag: nil) { return "a move of \(name)" }
            if wasUnseen(lost, name) { return "unseen" }
        }
        return nil
    }

    /// Another mount had begun to change the file, or did so within a second: conditions do not cover attributes.
    private func wasUnseen(_ lost: Mark, _ name: String) -> Bool {
        guard let landing = landings[lost.tag] else { return false }
        if !landing.busy.subtracting([lost.writer]).isEmpty { return true }
        let within = landing.time...(landing.time + .seconds(1))
        for writer in [0, 1] where writer != lost.writer {
            // What was changed before it died is sent without a look.
            if kills.contains(where: { $0.client == writer && $0.time >= landing.time }) {
                return true
            }
            let begins =
                sessions.filter { $0.writer == writer && $0.name == name }.map(\.startedAt)
                + marks.filter { $0.writer == writer && $0.name == name }.map(\.time)
                + modes.filter { $0.writer == writer && $0.name == name }.map(\.time)
                + moves.filter { $0.writer == writer && ($0.new == name || $0.old == name) }
                .map(\.time)
            if begins.contains(where: within.contains) { return true }
        }
        return false
    }

    /// A content, or the absence of one, may have come back under this name since.
    func returns(_ name: String, isAbsence: Bool, since index: Int, at time: Instant) -> Bool {
        moves.contains { move in
            guard move.index >= index || move.time + Self.moveTime >= time else { return false }
            if isAbsence { return move.old == name && !move.isCopy }
            return move.new == name
        }
    }
}

extension WritersHistory.Session {
    /// It takes away what was written before, or that much of it.
    fileprivate func replaces(_ count: Int) -> Bool {
        switch kind {
        case .put, .save: true
        case .cut: !steps.isEmpty
        case .append: false
        case .patch: steps.contains { $0.count >= count }
        }
    }
}
