import HeapModule
import RGWBase
import RGWObject
import RGWSpool

/// What may start, and what waits for what.
extension IntentTable {
    func mayStart(_ record: IntentRecord) -> Bool {
        if reservedKeys[record.address] != nil { return false }
        if reservedPrefixes.contains(where: { $0.contains(record.address) }) { return false }
        if let after = record.after, after != record.address, isUndone(after) { return false }
        // Rule D3: what a copy copies stays as it is until it is copied. Source: writeback.md 4.6.
        let needed = copies[record.address]?.contains { $0 != record.address && needsSource($0) }
        if needed == true { return false }
        if record.want == .copy, let source = record.source, flights[source.address] != nil {
            return false
        }
        if record.want == .removeDirectory,
            undoneBelow(KeyPrefix(marker: record.address), marker: record.address) > 0
        {
            return false
        }
        return true
    }

    /// It is not copied yet, or a late deletion may undo the copy.
    private func needsSource(_ target: ObjectAddress) -> Bool {
        isUndone(target) || unsettled[target]?.record.mayDelete ?? false
    }

    mutating func enqueue(_ address: ObjectAddress) {
        guard let intent = intents[address] else { return }
        stalled.remove(address)
        let entry = Due(due: intent.due, order: intent.revision, address: address)
        if intent.isAwaited { awaited.insert(entry) } else { queue.insert(entry) }
    }

    /// Something at `address` ended: what waited for it may start now.
    mutating func wake(after address: ObjectAddress) {
        if !isUndone(address) {
            for follower in followers.removeValue(forKey: address) ?? [] {
                intents[follower]?.record.after = nil
                released.append(follower)
                if stalled.contains(follower) { enqueue(follower) }
            }
        }
        guard !stalled.isEmpty else { return }
        if stalled.contains(address) { enqueue(address) }
        for target in copies[address] ?? [] where stalled.contains(target) { enqueue(target) }
        // Directories above, when nothing else is left below them. Looked up by name: with many waiting
        // directories, asking each of them at every deletion would take quadratic time.
        for prefix in address.directories where below.count(prefix) <= 1 + settlingKeys.count {
            if let marker = prefix.marker, stalled.contains(marker) { enqueue(marker) }
        }
    }

    // MARK: Dependencies

    /// Where the object is that a pending copy is to bring to this key; nil: no copy is pending.
    func copySource(_ target: ObjectAddress) -> ObjectAddress? {
        guard let record = intents[target]?.record, record.want == .copy else { return nil }
        return record.source?.address
    }

    /// The same while the target does not have it: a copy that only settles is done.
    func uncopiedSource(_ target: ObjectAddress) -> ObjectAddress? {
        intents[target]?.settling == nil ? copySource(target) : nil
    }

    /// What starts at `address` waits, directly or through others, for what is pending at `other`.
    func reaches(_ address: ObjectAddress, _ other: ObjectAddress) -> Bool {
        var open = [address]
        var seen: Set<ObjectAddress> = []
        while let next = open.popLast() {
            if next == other { return true }
            guard seen.insert(next).inserted else { continue }
            open.append(contentsOf: copies[next] ?? [])
            if let after = intents[next]?.record.after { open.append(after) }
        }
        return false
    }

    /// What waited for an intent at `old` waits for the one at `new`: the file went there.
    mutating func moveFollowers(from old: ObjectAddress, to new: ObjectAddress) {
        lead(followers.removeValue(forKey: old) ?? [], to: new)
    }

    /// Two files took each other's names: who waited for one of them waits for it where it is now.
    mutating func swapFollowers(_ a: ObjectAddress, _ b: ObjectAddress) {
        let ofA = followers.removeValue(forKey: a) ?? []
        let ofB = followers.removeValue(forKey: b) ?? []
        lead(ofA, to: b)
        lead(ofB, to: a)
    }

    private mutating func lead(_ waiting: Set<ObjectAddress>, to new: ObjectAddress) {
        for follower in waiting {
            let after = reaches(new, follower) ? nil : new
            intents[follower]?.record.after = after
            if let after { followers[after, default: []].insert(follower) }
            released.append(follower)
        }
    }

    /// What is pending at `address` waits for what is pending at `after`, unless that waits for it.
    mutating func setAfter(_ address: ObjectAddress, _ after: ObjectAddress) {
        guard let record = intents[address]?.record, record.after == nil, address != after,
            !reaches(after, address)
        else { return }
        intents[address]?.record.after = after
        follow(address, old: nil, new: after)
        released.append(address)
    }

    mutating func takeReleased() -> [IntentRecord] {
        defer { released = [] }
        return released.compactMap { intents[$0]?.record }
    }

    mutating func follow(_ address: ObjectAddress, old: ObjectAddress?, new: ObjectAddress?) {
        if old == new { return }
        if let old {
            followers[old]?.remove(address)
            if followers[old]?.isEmpty == true { followers[old] = nil }
        }
        if let new { followers[new, default: []].insert(address) }
    }

    /// Notes which keys the intent and the flight at `target` copy from.
    mutating func link(_ target: ObjectAddress) {
        var now: [ObjectAddress] = []
        if let source = copySource(target) { now.append(source) }
        if let flight = flights[target], flight.want == .copy, let source = flight.source?.address,
            !now.contains(source)
        {
            now.append(source)
        }
        let before = sources[target] ?? []
        if now == before { return }
        for source in before where !now.contains(source) {
            copies[source]?.remove(target)
            if copies[source]?.isEmpty == true { copies[source] = nil }
            if stalled.contains(source) { enqueue(source) }
        }
        for source in now { copies[source, default: []].insert(target) }
        sources[target] = now.isEmpty ? nil : now
    }

    // MARK: Counts

    mutating func count(_ address: ObjectAddress, by change: Int) {
        below.count(address, by: change)
    }

    // MARK: Reservations

    /// A rename works on this key or on a directory above it.
    func isReserved(_ address: ObjectAddress) -> Bool {
        reservedKeys[address] != nil
            || reservedPrefixes.contains { $0.contains(address) }
    }

    /// A rename works on a key below this directory, or on the directory.
    func isReserved(prefix: KeyPrefix) -> Bool {
        reservedPrefixes.contains { prefix.contains($0) }
    }

    mutating func reserve(_ address: ObjectAddress) { reservedKeys[address, default: 0] += 1 }

    mutating func reserve(prefix: KeyPrefix) { reservedPrefixes.append(prefix) }

    mutating func release(_ address: ObjectAddress) {
        if let count = reservedKeys[address] { reservedKeys[address] = count > 1 ? count - 1 : nil }
        if stalled.contains(address) { enqueue(address) }
    }

    mutating func release(prefix: KeyPrefix) {
        if let index = reservedPrefixes.firstIndex(of: prefix) {
            reservedPrefixes.remove(at: index)
        }
        for address in stalled where prefix.contains(address) { enqueue(address) }
    }
}
