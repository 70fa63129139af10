/// One change of a file's content by one of several writers. Every byte of a content is the tag of the change
/// that wrote it; zero was written by nobody.
package struct WriterStep: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// All of it.
        case put
        case write(at: Int)
        case append
        case cut(to: Int)
    }
    package var writer: Int
    package var number: Int
    package var kind: Kind
    package var tag: UInt8
    package var count: Int

    package init(writer: Int, number: Int, kind: Kind, tag: UInt8 = 0, count: Int = 0) {
        self.writer = writer
        self.number = number
        self.kind = kind
        self.tag = tag
        self.count = count
    }

    func applied(to content: [UInt8]) -> [UInt8] {
        let bytes = [UInt8](repeating: tag, count: count)
        switch kind {
        case .put: return bytes
        case .append: return content + bytes
        case .write(let offset):
            let start = Self.cut(content, to: max(content.count, offset + count))
            return start[..<offset] + bytes + start[(offset + count)...]
        case .cut(let size): return Self.cut(content, to: size)
        }
    }

    static func cut(_ content: [UInt8], to size: Int) -> [UInt8] {
        content.prefix(size) + [UInt8](repeating: 0, count: max(0, size - content.count))
    }
}

/// Whether some order of these steps, each used once or not at all and each writer's in its own order, makes a
/// content.
package struct WriterExplanation {
    /// Steps of which no byte is left that an explanation may need.
    private static let hiddenMax = 3
    private static let statesMax = 20_000

    private let steps: [WriterStep]
    private let content: [UInt8]
    private let must: Set<WriterStep>
    private var lookedAt = 0

    package static func explains(_ steps: [WriterStep], _ content: [UInt8]) -> Bool {
        var search = WriterExplanation(steps, content)
        return search.run()
    }

    private init(_ steps: [WriterStep], _ content: [UInt8]) {
        self.steps = steps.sorted { $0.number < $1.number }
        self.content = content
        let tags = Set(content).subtracting([0])
        must = Set(steps.filter { $0.count > 0 && tags.contains($0.tag) })
    }

    private mutating func run() -> Bool {
        let tags = Set(content).subtracting([0])
        guard must.count == tags.count, must.count(where: { $0.kind == .put }) < 2 else {
            return false
        }
        return (0...Self.hiddenMax).contains { search([], [], [:], hidden: $0) }
    }

    private mutating func search(
        _ state: [UInt8], _ used: Set<WriterStep>, _ last: [Int: Int], hidden: Int
    ) -> Bool {
        lookedAt += 1
        if state == content, must.isSubset(of: used) { return true }
        if lookedAt > Self.statesMax { return false }
        for step in steps where step.number > last[step.writer, default: -1] {
            // Nothing of what a put replaces can be in the content; its own length may be all that is left of it.
            if step.kind == .put, !must.isDisjoint(with: used) { continue }
            let left = must.contains(step) ? hidden : hidden - 1
            if left < 0 { continue }
            var next = last
            next[step.writer] = step.number
            if search(step.applied(to: state), used.union([step]), next, hidden: left) {
                return true
            }
        }
        return false
    }
}

/// For people: "3x5 7x2", three bytes of change 5 and two of change 7.
func shownRuns(_ content: [UInt8]?) -> String {
    guard let content else { return "absent" }
    if content.isEmpty { return "empty" }
    var runs: [(UInt8, Int)] = []
    for byte in content {
        if let last = runs.last, last.0 == byte {
            runs[runs.count - 1].1 += 1
        } else {
            runs.append((byte, 1))
        }
    }
    return runs.map { "\($0.1)x\($0.0)" }.joined(separator: " ")
}
