import DequeModule
import HeapModule
import RGWBase
import RGWObject

/// Requests that are in the journal and wait for one of the `uploads=` that are under way to end, so that
/// the next can go the moment there is room. They are digested and noted together: one commit and one
/// change of threads for many. Pure; guarded by the volume's state.
struct Outbox: Sendable {
    private var ready: Deque<FileSystem.Shipment> = []

    /// How many requests are made ready ahead. More would make renames and removals wait for uploads that
    /// could have been spared.
    static let aheadMax = 16

    mutating func append(_ shipments: [FileSystem.Shipment]) { ready.append(contentsOf: shipments) }

    var first: FileSystem.Shipment? { ready.first }

    mutating func next() -> FileSystem.Shipment? { ready.popFirst() }
}

extension VolumeState {
    /// Something is for the pump to do or to look at before `time`. Only intents that wait for their time
    /// have it in the queue; whatever else may be there counts.
    func hasDue(before time: Instant) -> Bool {
        outbox.first != nil || !intents.ready.isEmpty
            || !intents.unsettled.isEmpty && intents.expiresAt < time
            || !intents.uploads.isEmpty || !intents.sweeps.isEmpty
            || intents.queue.min.map { $0.due < time } ?? false
            || intents.awaited.min.map { $0.due < time } ?? false
    }
}

extension IntentTable {
    /// Requests that were sent; a DeleteObjects is one.
    var underWayCount: Int { sentCount + batches.count }

    /// Another request is to be made ready. Not one at a time: when half of those ahead have gone, the next
    /// ones are made ready together.
    func takesMore(uploadsMax: Int, isTaking: Bool) -> Bool {
        let count = requestCount
        if count < uploadsMax { return true }
        let ahead = min(uploadsMax, Outbox.aheadMax)
        return count - underWayCount < (isTaking ? ahead : ahead / 2 + 1)
            && count < uploadsMax + ahead
    }

    mutating func noteSent(_ address: ObjectAddress) {
        guard flights[address]?.isSent == false else { return }
        markSent(address)
        sentCount += 1
    }
}
