/// Every sequence of steps that a filesystem accepts, shorter ones first, in an order of their own.
package struct CrashSequences: Sequence, IteratorProtocol {
    private let lengthMax: Int
    private var level: [[CrashStep]] = [[]]
    private var position = 0
    private var step = 0
    private var longer: [[CrashStep]] = []

    package init(lengthMax: Int) { self.lengthMax = lengthMax }

    package mutating func next() -> [CrashStep]? {
        while true {
            if position == level.count {
                guard let first = longer.first, first.count < lengthMax else { return nil }
                (level, longer, position, step) = (longer, [], 0, 0)
            }
            if step == CrashStep.all.count {
                (position, step) = (position + 1, 0)
                continue
            }
            let candidate = level[position] + [CrashStep.all[step]]
            step += 1
            guard CrashModel.accepts(candidate) else { continue }
            if candidate.count < lengthMax { longer.append(candidate) }
            return candidate
        }
    }
}
