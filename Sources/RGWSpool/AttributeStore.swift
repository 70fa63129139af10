package import RGWBase
package import RGWObject

/// What HEAD or GET told of an object, so long after its last change that a listing which shows the same tag, size and
/// time vouches for all of it.
///
/// Times of changes are told in whole seconds (by HEAD always, by LIST on RGW 20), and metadata changes without a new
/// tag. So a version that was read within the second of its change may be changed once more and look the same.
package struct KnownObject: Equatable, Sendable {
    package let head: ObjectHead
    /// As LIST showed it when HEAD was asked; in whole seconds when it had not shown it, or shows no more.
    package let listed: WallTime

    /// How much later than its change a version must have been read: a second, and one for clocks of gateways that
    /// are not quite the same.
    package static let ripeness: Int64 = 2

    package init(head: ObjectHead, listed: WallTime) {
        var head = head
        head.answeredAt = nil
        self.head = head
        self.listed = listed
    }

    /// `readAt`: no later than the object was read, by the server's clock. Nil: it may yet change unnoticed.
    package init?(_ head: ObjectHead, listed: WallTime?, readAt: WallTime?) {
        guard let readAt, head.lastModified.seconds >= 0 else { return nil }
        let (ripe, overflow) = head.lastModified.seconds.addingReportingOverflow(Self.ripeness)
        guard !overflow, readAt.seconds >= ripe else { return nil }
        let isSame = listed?.seconds == head.lastModified.seconds
        self.init(head: head, listed: isSame ? listed ?? head.lastModified : head.lastModified)
    }

    package var version: BaseVersion {
        BaseVersion(etag: head.etag, size: head.size, lastModified: listed)
    }
}

/// What is written at a time.
package struct KnownChanges: Sendable {
    package var objects: [(ObjectAddress, KnownObject)] = []
    /// The inode numbers of files by the number that their name would be given; nil: none is kept for the name any
    /// more. No two of them are the same, nor the same as one that was kept: the earlier one goes.
    package var numbers: [InodeNumber: InodeNumber?] = [:]
    package init() {}
    package var isEmpty: Bool { objects.isEmpty && numbers.isEmpty }
}

/// What a mount must know of all kept numbers.
package struct TakenNumbers: Sendable {
    /// The largest of those that were counted; nil: there is none.
    package var largest: InodeNumber?
    /// Those that were made from names which their files do not have any more.
    package var derived: [InodeNumber] = []
    package init() {}
}

/// What is known of objects, kept on this machine so that the next mount need not ask again.
///
/// It may be lost, damaged, full or older than the bucket at any time: what it says is believed only of a version that
/// a listing has just shown. Calls wait for a disk, never fail, and after a failure do nothing.
package protocol AttributeStore: Sendable {
    /// nil: nothing is known, or it cannot be read.
    func recall(_ address: ObjectAddress) -> KnownObject?
    /// The numbers that are kept for names, by those that these would be given.
    func numbers(of homes: [InodeNumber]) -> [InodeNumber: InodeNumber]
    /// What a mount must know of all numbers before it gives any.
    func takenNumbers() -> TakenNumbers
    /// All of it or nothing.
    func write(_ changes: KnownChanges)
}

/// A mount that keeps nothing.
package struct NoAttributeStore: AttributeStore {
    package init() {}
    package func recall(_ address: ObjectAddress) -> KnownObject? { nil }
    package func numbers(of homes: [InodeNumber]) -> [InodeNumber: InodeNumber] { [:] }
    package func takenNumbers() -> TakenNumbers { TakenNumbers() }
    package func write(_ changes: KnownChanges) {}
}
