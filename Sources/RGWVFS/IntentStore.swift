import RGWBase
import RGWObject
import RGWSpool

/// The intents by key, with the counts and orders of them that decisions need. All of these change here, where an
/// intent changes, so that none can be forgotten (`faults` compares them with a look at everything). Decision 100.
///
/// Intents stay where they are in an array, and only their places are hashed. While an operation is noted, what it
/// changes is kept as it was before.
struct IntentStore: Sendable, Sequence {
    typealias Intent = IntentTable.Intent

    private struct Place: Sendable {
        var address: ObjectAddress
        var intent: Intent?
        var facts = IntentFacts()
    }

    fileprivate struct Aged: Comparable, Sendable {
        var born: WallTime
        var place: Int
        static func < (a: Self, b: Self) -> Bool { (a.born, a.place) < (b.born, b.place) }
    }

    fileprivate struct Delayed: Comparable, Sendable {
        var due: Instant
        var place: Int
        static func < (a: Self, b: Self) -> Bool { (a.due, a.place) < (b.due, b.place) }
    }

    /// What is derived from the facts of all intents.
    fileprivate struct Indexes: Sendable {
        var tally = IntentTally()
        /// Those that do not start before their file is closed, and all others.
        var held = OrderedTable<Aged>()
        var unheld = OrderedTable<Aged>()
        var blocked = OrderedTable<Aged>()
        /// Uploads that nothing but their time keeps from starting.
        var delayed = OrderedTable<Delayed>()
        var settling: Set<ObjectAddress> = []
        var waitedFor: Set<ObjectAddress> = []
    }

    private var places: [Place] = []
    private var free: [Int] = []
    private var index: [ObjectAddress: Int] = [:]
    private var indexes = Indexes()
    /// Keys for which a request is under way.
    private var flying: Set<ObjectAddress> = []
    /// Keys whose deletion gathers to go with others.
    private var gathering: Set<ObjectAddress> = []
    /// Files whose bytes an intent began or ceased to send.
    private var moves: [FileMove] = []
    /// The values before their first change; nil: there was none. Nil as a whole: nothing is noted.
    private var notes: [ObjectAddress: Intent?]?
    let scans = ScanCount()

    // MARK: All of them

    var count: Int { index.count }
    var isEmpty: Bool { index.isEmpty }

    var keys: Dictionary<ObjectAddress, Int>.Keys {
        scans.add(index.count)
        return index.keys
    }

    func makeIterator() -> AnyIterator<(key: ObjectAddress, value: Intent)> {
        scans.add(places.count)
        var next = places.makeIterator()
        return AnyIterator {
            while let place = next.next() {
                if let intent = place.intent { return (place.address, intent) }
            }
            return nil
        }
    }

    // MARK: One of them

    subscript(address: ObjectAddress) -> Intent? {
        _read {
            if let place = index[address] {
                yield places.span[place].intent
            } else {
                yield nil
            }
        }
        _modify {
            if let place = index[address] {
                if notes != nil, notes?[address] == nil {
                    notes?.updateValue(places[place].intent, forKey: address)
                }
                yield &places[place].intent
                update(place)
                if places.span[place].intent == nil { vacate(place, address) }
            } else {
                if notes != nil, notes?[address] == nil { notes?.updateValue(nil, forKey: address) }
                var intent: Intent?
                yield &intent
                if let intent { insert(intent, address) }
            }
        }
    }

    mutating func removeValue(forKey address: ObjectAddress) -> Intent? {
        defer { self[address] = nil }
        return self[address]
    }

    private mutating func insert(_ intent: Intent, _ address: ObjectAddress) {
        let place = free.popLast() ?? places.count
        if place == places.count { places.append(Place(address: address)) }
        places[place] = Place(address: address, intent: intent)
        index[address] = place
        update(place)
    }

    private mutating func vacate(_ place: Int, _ address: ObjectAddress) {
        index[address] = nil
        free.append(place)
    }

    mutating func startNoting() { notes = [:] }

    mutating func stopNoting() -> [ObjectAddress: Intent?] {
        defer { notes = nil }
        return notes ?? [:]
    }

    /// A request for the key began or ended.
    mutating func setFlying(_ address: ObjectAddress, _ isFlying: Bool) {
        if isFlying { flying.insert(address) } else { flying.remove(address) }
        if let place = index[address] { update(place) }
    }

    /// The deletion at the key gathers to go with others, or does not any more.
    mutating func setGathering(_ address: ObjectAddress, _ isGathering: Bool) {
        if isGathering { gathering.insert(address) } else { gathering.remove(address) }
        if let place = index[address] { update(place) }
    }

    // MARK: What is kept of them

    private mutating func update(_ place: Int) {
        let address = places.span[place].address
        let now = facts(place)
        let before = places.span[place].facts
        if now == before { return }
        places[place].facts = now
        indexes.count(before, by: -1, place, address)
        indexes.count(now, by: 1, place, address)
        guard now.inode != before.inode else { return }
        if let inode = before.inode { moves.append(FileMove(inode: inode, change: -1)) }
        if let inode = now.inode { moves.append(FileMove(inode: inode, change: 1)) }
    }

    private func facts(_ place: Int) -> IntentFacts {
        var facts = IntentFacts(places.span[place].intent)
        let address = places.span[place].address
        if !flying.isEmpty, facts.exists { facts.isFlying = flying.contains(address) }
        if !gathering.isEmpty, facts.isAwaited { facts.isGathering = gathering.contains(address) }
        return facts
    }

    var tally: IntentTally { indexes.tally }
    var settling: Set<ObjectAddress> { indexes.settling }
    /// Those with somebody who is told of their end.
    var waitedFor: Set<ObjectAddress> { indexes.waitedFor }
    var hasMoves: Bool { !moves.isEmpty }

    mutating func takeMoves() -> [FileMove] {
        defer { moves = [] }
        return moves
    }

    /// When the oldest of the changes was made.
    var oldest: WallTime? {
        [indexes.held.first?.born, indexes.unheld.first?.born].compactMap(\.self).min()
    }

    /// The oldest of those that failed for good; while the mount is refused, of all that could be sent.
    /// Those that are being tried again may still succeed.
    func failures(isPaused: Bool, max: Int) -> [ObjectAddress] {
        let blocked = named(indexes.blocked, max: max)
        guard isPaused else { return blocked.map { places[$0.place].address } }
        let all = Set((blocked + named(indexes.unheld, max: max)).map(\.place))
        return all.map { Aged(born: places[$0].facts.born, place: $0) }.sorted().prefix(max)
            .map { places[$0.place].address }
    }

    private func named(_ table: OrderedTable<Aged>, max: Int) -> [Aged] {
        var named: [Aged] = []
        for aged in table.ascending {
            if named.count == max { break }
            let facts = places[aged.place].facts
            if facts.isConflict || !facts.isFlying { named.append(aged) }
        }
        return named
    }

    /// All that failed for good.
    var failed: [ObjectAddress] { indexes.blocked.ascending.map { places[$0.place].address } }

    /// Those of them that are not held.
    var blocked: [ObjectAddress] {
        indexes.blocked.ascending.filter { !places[$0.place].facts.isHeld }
            .map { places[$0.place].address }
    }

    var held: [ObjectAddress] { indexes.held.ascending.map { places[$0.place].address } }

    var unheld: [ObjectAddress] { indexes.unheld.ascending.map { places[$0.place].address } }

    /// The upload that waits longest for nothing but its time, if that has not come.
    func lastDelayed(after now: Instant) -> ObjectAddress? {
        guard let last = indexes.delayed.last, last.due > now else { return nil }
        return places[last.place].address
    }

    // MARK: Checking

    /// What is kept beside the intents and is not what looking at all of them finds.
    func faults() -> [String] {
        var found = Indexes()
        var faults: [String] = []
        for (place, known) in places.enumerated() where known.intent != nil {
            if index[known.address] != place { faults.append("the place of \(known.address)") }
            let facts = facts(place)
            if facts != known.facts { faults.append("the facts of \(known.address)") }
            found.count(facts, by: 1, place, known.address)
        }
        if found.tally != tally { faults.append("\(tally) instead of \(found.tally)") }
        if found.settling != settling { faults.append("the settling intents") }
        if found.waitedFor != waitedFor { faults.append("the intents that are waited for") }
        for (name, kept, found) in [
            ("held", indexes.held, found.held), ("unheld", indexes.unheld, found.unheld),
            ("blocked", indexes.blocked, found.blocked),
        ] where !kept.ascending.elementsEqual(found.ascending) || kept.count != found.count {
            faults.append("the order of the \(name) intents")
        }
        if !indexes.delayed.ascending.elementsEqual(found.delayed.ascending) {
            faults.append("the order of the delayed intents")
        }
        return faults
    }
}

extension IntentStore.Indexes {
    fileprivate mutating func count(
        _ facts: IntentFacts, by change: Int, _ place: Int, _ address: ObjectAddress
    ) {
        guard facts.exists else { return }
        tally.count(facts, by: change)
        let aged = IntentStore.Aged(born: facts.born, place: place)
        if facts.isHeld { held.change(aged, by: change) } else { unheld.change(aged, by: change) }
        if facts.isBlocked { blocked.change(aged, by: change) }
        if let due = facts.delayedUntil {
            delayed.change(IntentStore.Delayed(due: due, place: place), by: change)
        }
        if facts.isSettling { settling.change(address, by: change) }
        if facts.isWaitedFor { waitedFor.change(address, by: change) }
    }
}

extension OrderedTable {
    fileprivate mutating func change(_ element: Element, by change: Int) {
        if change > 0 { insert(element) } else { remove(element) }
    }
}

extension Set {
    fileprivate mutating func change(_ element: Element, by change: Int) {
        if change > 0 { insert(element) } else { remove(element) }
    }
}
