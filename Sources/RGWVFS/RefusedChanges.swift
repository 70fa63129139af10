import RGWBase
import RGWObject
import RGWSpool

/// Changes that returned success here and will not be in the bucket: each is counted, the latest are named.
/// Pure; guarded by the volume's state.
struct RefusedChanges: Sendable {
    struct Change: Sendable {
        var path: String
        var key: String
        var want: IntentRecord.Want
        /// One line, for people.
        var reason: String
        var time: WallTime
    }

    private(set) var count: UInt64 = 0
    private(set) var latest: [Change] = []
    private var news: [Change] = []

    /// Older ones are only counted; each was logged when it happened.
    private static let named = 100

    mutating func append(_ change: Change) {
        count += 1
        latest.append(change)
        if latest.count > Self.named { latest.removeFirst() }
        news.append(change)
    }

    var hasNews: Bool { !news.isEmpty }

    mutating func takeNews() -> [Change] {
        defer { news = [] }
        return news
    }
}

extension VolumeState {
    /// A change was answered with success and is taken back; the kernel believes it.
    mutating func noteRefusal(
        _ address: ObjectAddress, _ want: IntentRecord.Want, _ reason: String, _ time: WallTime
    ) {
        refusals.append(
            RefusedChanges.Change(
                path: pathText(address), key: address.key.text, want: want, reason: reason,
                time: time))
        if let (names, _) = layout.path(of: address), let inode = lookUp(names[...]) {
            noteAttributes(inode)
        }
    }
}
