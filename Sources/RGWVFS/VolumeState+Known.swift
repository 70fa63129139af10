import RGWBase
import RGWObject
import RGWSpool

/// What earlier HEADs said of versions that listings show: in memory, and in the store of attributes. Decision 140.
extension VolumeState {
    /// Whether answers of earlier mounts, and listings in place of HEAD, are used at all: who believes nothing for a while
    /// asks for each object, and with attrs=list nothing but listings is asked for.
    private var usesKnown: Bool {
        configuration.attributeSource == .posix && configuration.fileAttributesMax > .zero
    }

    /// A listing tells as much as HEAD would, and is asked for when more than this name will be wanted.
    func isVouchedByListing(_ known: Inode) -> Bool {
        guard usesKnown, known.vouched != nil, known.attributesKnown, !known.isDirectory,
            let link = known.link
        else { return false }
        return inodes.look(link.parent) { parent in
            parent.directory.map { $0.wasRead || $0.askedFor.map { $0 != link.name } ?? false }
        } ?? false
    }

    /// A listing shows the version. True: that is all there is to know.
    mutating func takesVouched(_ inode: InodeNumber, _ version: BaseVersion, at: Instant) -> Bool {
        guard usesKnown, let known = inodes[inode], let vouched = known.vouched,
            known.attributesKnown, known.base?.isSameVersion(as: vouched) == true,
            version.etag == vouched.etag,
            !hasOwnChanges(inode)
        else { return false }
        guard known.checkedAt < at else { return true }
        if vouched.isSame(as: version) {
            renew(inode, at: at, isSame: true)
        } else {
            // Its metadata was changed: only HEAD tells to what.
            inodes[inode]?.distrust()
        }
        return true
    }

    /// HEAD or GET told of an object. `startedAt`: when it was asked; the server read it after that.
    mutating func remember(
        _ inode: InodeNumber, _ address: ObjectAddress, _ head: ObjectHead, startedAt: Instant,
        now: Instant
    ) {
        guard usesKnown, let answeredAt = head.answeredAt else { return }
        let seconds = (now - startedAt).components.seconds
        let (readAt, overflow) = answeredAt.seconds.subtractingReportingOverflow(
            max(0, seconds) + 1)
        let base = inodes.look(inode) { $0.base }
        guard !overflow,
            let object = KnownObject(
                head, listed: base?.lastModified, readAt: WallTime(seconds: readAt))
        else { return }
        kept.add(address, object)
        vouch(inode, object, at: startedAt)
    }

    private mutating func vouch(_ inode: InodeNumber, _ object: KnownObject, at: Instant) {
        guard let known = inodes[inode], known.attributesKnown, known.checkedAt == at,
            known.base?.isSameVersion(as: object.version) == true,
            !hasOwnChanges(inode)
        else { return }
        inodes[inode]?.vouched = object.version
        if let link = known.link {
            inodes.change(link.parent) { $0.directory?.askedFor = link.name }
        }
    }

    /// A version that a listing showed and whose attributes an earlier answer may have told.
    struct Recallable: Sendable {
        let address: ObjectAddress
        let version: BaseVersion
        /// When the listing was asked for.
        let seenAt: Instant
    }

    func recallable(_ inode: InodeNumber) -> Recallable? {
        guard usesKnown, let known = inodes[inode], !known.attributesKnown, known.link != nil,
            !isMoved(inode), !hasOwnChanges(inode), let address = address(inode)
        else { return nil }
        if known.isDirectory {
            guard let marker = known.directory?.listedMarker else { return nil }
            return Recallable(address: address, version: marker.version, seenAt: marker.at)
        }
        guard let base = known.base, known.checkedAt != .distantPast else { return nil }
        return Recallable(address: address, version: base, seenAt: known.checkedAt)
    }

    /// False: it is not about that version.
    mutating func absorbKnown(
        _ inode: InodeNumber, _ object: KnownObject, _ asked: Recallable
    ) -> Bool {
        guard let current = recallable(inode), current.address == asked.address,
            current.seenAt == asked.seenAt, current.version == asked.version,
            object.version.isSame(as: asked.version)
        else { return false }
        absorbHead(inode, object.head, startedAt: asked.seenAt)
        vouch(inode, object, at: asked.seenAt)
        return inodes.look(inode) { $0.attributesKnown } ?? false
    }
}
