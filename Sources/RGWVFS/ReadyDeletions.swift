import DequeModule
import RGWBase
import RGWObject

/// Deletions that may start, in the order in which they came. Nothing here grows with how many there are.
struct ReadyDeletions: Sendable {
    struct Entry: Sendable {
        var address: ObjectAddress
        var since: Instant
    }

    private var order: Deque<Entry> = []
    private var members: Set<ObjectAddress> = []
    /// When the youngest came.
    private(set) var last: Instant?

    var count: Int { members.count }
    var isEmpty: Bool { members.isEmpty }
    /// When the oldest came.
    var first: Instant? { order.first?.since }
    var addresses: some Sequence<ObjectAddress> { order.lazy.map(\.address) }

    mutating func append(_ address: ObjectAddress, _ now: Instant) {
        last = now
        guard members.insert(address).inserted else { return }
        order.append(Entry(address: address, since: now))
    }

    mutating func popFirst() -> Entry? {
        guard let entry = order.popFirst() else { return nil }
        members.remove(entry.address)
        return entry
    }

    /// They keep their places.
    mutating func putBack(_ entries: [Entry]) {
        for entry in entries.reversed() {
            members.insert(entry.address)
            order.prepend(entry)
        }
    }
}
