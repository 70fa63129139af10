import RGWBase
import RGWObject

/// Trees that are walked through: `find`, `rm -r`, `grep -r`, `cp -r`, `tar`.
extension FileSystem {
    /// The attributes of a directory that will probably be read next. Its listing, which is wanted then, says that there
    /// is no marker; where there is one, or nothing at all, HEAD is asked as ever.
    func listOrHead(_ need: Need, _ inode: InodeNumber) {
        let startedAt = clock.now()
        let known = withState { state -> (KeyPrefix, ObjectAddress)? in
            guard let prefix = state.prefix(inode), let marker = prefix.marker,
                state.takesListing(inode)
            else { return nil }
            state.beginLoad(inode)
            return (prefix, marker)
        }
        guard let (prefix, marker) = known else { return headObject(need, inode) }
        store.list(
            marker.bucket, prefix: marker.key, delimited: true, after: nil,
            limit: Self.pageNamesMax
        ) { [self] result in
            let page = try? result.get()
            learnNumbers(
                inode, page ?? ListPage(objects: [], commonPrefixes: [], next: nil),
                prefixLength: prefix.bytes.count
            ) { [self] in takeWalked(need, inode, prefix, marker, page, startedAt: startedAt) }
        }
    }

    /// `page`: nil when it could not be listed.
    private func takeWalked(
        _ need: Need, _ inode: InodeNumber, _ prefix: KeyPrefix, _ marker: ObjectAddress,
        _ page: ListPage?, startedAt: Instant
    ) {
        let found = withState { state in
            let page = state.prefix(inode) == prefix ? page : nil
            defer { state.endLoad(inode) }
            return page.map { state.absorbWalked(inode, $0, marker, startedAt: startedAt) }
                ?? .unknown
        }
        commitInBackground()
        switch found {
        case .unknown: headObject(need, inode)
        case .nothing:
            finish(need, nil) { state in state.absorbAbsence(inode, startedAt: startedAt) }
        case .names(let parent):
            headOldMarker(need, inode, marker, parent, startedAt: startedAt)
        }
    }
}

/// What a listing told of a directory.
private enum Walked: Sendable {
    /// It has a marker, or another name by now.
    case unknown
    case nothing
    /// Names, and no marker.
    case names(parent: InodeNumber)
}

extension VolumeState {
    fileprivate mutating func absorbWalked(
        _ inode: InodeNumber, _ page: ListPage, _ marker: ObjectAddress, startedAt: Instant
    ) -> Walked {
        absorbListing(
            inode, objects: page.objects, prefixes: page.commonPrefixes,
            isComplete: page.next == nil, startedAt: startedAt)
        guard let link = inodes.look(inode, { $0.link }) else { return .unknown }
        if page.objects.isEmpty, page.commonPrefixes.isEmpty {
            return oldMarker(inode) == nil ? .nothing : .unknown
        }
        // The marker's key comes before all others.
        if page.objects.first?.key == marker.key { return .unknown }
        beginLoad(link.parent)
        return .names(parent: link.parent)
    }

    /// One directory was opened: so many of those beside it may be listed before another one is.
    private static let listsAheadFirst = 16
    private static let listsAheadMax = 64

    /// A directory in it was opened.
    mutating func noteWalked(_ parent: InodeNumber) {
        guard configuration.attributeSource == .posix, !layout.isAllBuckets || parent != .root
        else {
            return
        }
        inodes.change(parent) {
            let isFirst = $0.directory?.listsAhead == 0
            $0.directory?.listsAhead = isFirst ? Self.listsAheadFirst : Self.listsAheadMax
        }
    }

    /// A directory of which nothing is known is to be listed.
    fileprivate mutating func takesListing(_ inode: InodeNumber) -> Bool {
        let parent = inodes.look(inode) { known in
            known.isDirectory && !known.attributesKnown && known.directory?.listedAt == nil
                ? known.link?.parent : nil
        }
        guard let parent, inodes.look(parent, { $0.directory?.listsAhead }) ?? 0 > 0,
            !isLocal(inode)
        else { return false }
        inodes.change(parent) { $0.directory?.listsAhead -= 1 }
        return true
    }
}
