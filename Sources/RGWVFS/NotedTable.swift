/// A dictionary that can keep what was in it before changes, key by key.
struct NotedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable, Sequence {
    private var all: [Key: Value] = [:]
    /// The values before their first change; nil: there was none. Nil as a whole: nothing is noted.
    private var notes: [Key: Value?]?

    var keys: Dictionary<Key, Value>.Keys { all.keys }
    var values: Dictionary<Key, Value>.Values { all.values }
    var count: Int { all.count }
    var isEmpty: Bool { all.isEmpty }

    func makeIterator() -> Dictionary<Key, Value>.Iterator { all.makeIterator() }

    subscript(key: Key) -> Value? {
        get { all[key] }
        _modify {
            if notes != nil, notes?[key] == nil { notes?.updateValue(all[key], forKey: key) }
            yield &all[key]
        }
    }

    mutating func removeValue(forKey key: Key) -> Value? {
        defer { self[key] = nil }
        return all[key]
    }

    mutating func startNoting() { notes = [:] }

    mutating func stopNoting() -> [Key: Value?] {
        defer { notes = nil }
        return notes ?? [:]
    }
}
