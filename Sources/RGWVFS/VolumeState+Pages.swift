import RGWBase
import RGWObject
import RGWSpool

/// Reading directories of more than one page without holding all their names.
extension VolumeState {
    /// Listed names of one directory that are kept when no reader needs them any more.
    private static let listedNamesMax = 200_000

    /// Answers readdir from the pages of a handle, or says which page is missing.
    mutating func pageEntries(
        _ handle: HandleID, _ inode: InodeNumber, from offset: UInt64, budget: DirectoryBudget,
        plus: Bool, now: Instant
    ) -> FileSystem.Step<[DirectoryEntry]> {
        var entries: [DirectoryEntry] = []
        var left = budget
        if offset < 2 { entries = dots(inode, from: offset, budget: &left) }
        var offset = max(offset, 2)
        while let pages = directories[handle]?.pages {
            let page = DirectoryPages.page(offset)
            guard let place = pages.place(offset), let names = pages.names(on: page) else {
                // An offset that was never given out is behind everything.
                if pages.start(of: page) == nil { return .done(entries) }
                return entries.isEmpty ? .need(.page(handle, page)) : .done(entries)
            }
            for position in place.position..<names.count {
                let listed = names[position]
                guard left.take(listed.name.bytes.count) else { return .done(entries) }
                offset = DirectoryPages.offset(
                    after: DirectoryPages.Place(page: page, position: position), listed.name)
                entries.append(entry(listed, next: offset, plus: plus, now: now))
            }
            if pages.isLast(page) { break }
            guard pages.names(on: page + 1) != nil else {
                // The end of a page is no end of the directory.
                return entries.isEmpty ? .need(.page(handle, page + 1)) : .done(entries)
            }
            offset = UInt64(page + 2) << 40
        }
        return .done(entries)
    }

    /// The page after the one at `offset`, if it should be read ahead.
    func pageAhead(_ handle: HandleID, _ offset: UInt64) -> Need? {
        let page = DirectoryPages.page(offset)
        guard let pages = directories[handle]?.pages, pages.names(on: page) != nil,
            !pages.isLast(page), pages.names(on: page + 1) == nil
        else { return nil }
        return .page(handle, page + 1)
    }

    /// One page of a directory as the bucket has it, with the local changes that belong in its range.
    mutating func absorbPage(
        _ handle: HandleID, _ index: Int, _ page: ListPage, prefix: KeyPrefix, startedAt: Instant
    ) {
        guard let open = directories[handle], let start = open.pages?.start(of: index) else {
            return
        }
        if index == 0, page.next == nil {
            absorbListing(
                open.inode, objects: page.objects, prefixes: page.commonPrefixes,
                isComplete: true, startedAt: startedAt)
            let names = snapshot(open.inode).sorted(by: Self.isKeyBefore)
            directories[handle]?.pages?.load(0, names, next: nil)
            return
        }
        let end = page.next.map { Array($0.bytes.dropFirst(prefix.bytes.count)) }
        lookAtRemoved(
            open.inode, shown: page.commonPrefixes, prefix: prefix, now: startedAt)
        let local = localNames(open.inode, prefix: prefix)
        var merge = PageMerge(shadows: start.shadows)
        for (name, object) in remoteNames(open.inode, page, prefix, local) {
            absorbName(open.inode, name, object, at: startedAt)
            if merge.admits(name, isDirectory: object == nil) { merge.names.append(name) }
        }
        let kept = local.known.filter {
            isOnPage(open.inode, $0, after: start.after, through: end)
        }
        let gone = endRemoved(open.inode, page, prefix: prefix, kept, local)
        merge.names += kept.subtracting(gone)
        let names = merge.names.compactMap { shown(open.inode, $0) }.sorted(by: Self.isKeyBefore)
        let next = end.map { DirectoryPages.Start(after: $0, shadows: merge.shadows) }
        forgetListed(open, beside: index)
        directories[handle]?.pages?.load(index, names, next: next)
        inodes[open.inode]?.directory?.pagedAt = startedAt
        let order = names.map(\.name).sorted()
        inodes.change(open.inode) { $0.directory?.noteOrder(order, isFirst: index == 0) }
    }

    /// The names on a page that no local change hides, in the order of their keys; nil: a directory.
    func remoteNames(
        _ directory: InodeNumber, _ page: ListPage, _ prefix: KeyPrefix, _ local: LocalNames
    ) -> [(EntryName, BaseVersion?)] {
        Self.inKeyOrder(page).compactMap { key, version in
            guard key.bytes != prefix.bytes,
                let name = layout.entryName(key, prefixLength: prefix.bytes.count)
            else { return nil }
            let isOld = version.map { isOldMarker(directory, name, $0) } ?? false
            let object = isOld ? nil : version
            return local.hides(name, isDirectory: object == nil) ? nil : (name, object)
        }
    }

    /// The names of one page, as they are gathered.
    private struct PageMerge {
        /// Files that are still a beginning of the names that come.
        var shadows: [EntryName]
        var names: [EntryName] = []

        /// False for a directory whose name a file before it had already.
        mutating func admits(_ name: EntryName, isDirectory: Bool) -> Bool {
            while let last = shadows.last, !name.bytes.starts(with: last.bytes) {
                shadows.removeLast()
            }
            if isDirectory { return shadows.last != name }
            shadows.append(name)
            return true
        }
    }

    private static func inKeyOrder(_ page: ListPage) -> [(ObjectKey, BaseVersion?)] {
        let objects = page.objects.map { object -> (ObjectKey, BaseVersion?) in
            let base = BaseVersion(object)
            return (object.key, base)
        }
        let prefixes = page.commonPrefixes.map { ($0, BaseVersion?.none) }
        return (objects + prefixes).sorted { $0.0 < $1.0 }
    }

    /// A name as readdir shows it; nil: it was removed here.
    private func shown(_ directory: InodeNumber, _ name: EntryName) -> OpenDirectory.Name? {
        inodes.look(directory, { $0.directory?[name] }).flatMap { $0 }.map { shown(name, $0) }
    }

    /// A name's key below its directory lies in a page's range.
    private func isOnPage(
        _ directory: InodeNumber, _ name: EntryName, after: [UInt8]?, through end: [UInt8]?
    ) -> Bool {
        guard let shown = shown(directory, name) else { return false }
        let key = Self.keyBytes(shown)
        if let after, !after.lexicographicallyPrecedes(key) { return false }
        if let end, end.lexicographicallyPrecedes(key) { return false }
        return true
    }

    private static func keyBytes(_ name: OpenDirectory.Name) -> [UInt8] {
        name.isDirectory ? name.name.bytes + [0x2F] : name.name.bytes
    }

    private static func isKeyBefore(_ a: OpenDirectory.Name, _ b: OpenDirectory.Name) -> Bool {
        keyBytes(a).lexicographicallyPrecedes(keyBytes(b))
    }

    /// Names of the page before the last one need not stay when a directory has very many.
    private mutating func forgetListed(_ open: OpenDirectory, beside index: Int) {
        guard index > 1, inodes[open.inode]?.directory?.entryCount ?? 0 > Self.listedNamesMax
        else { return }
        for listed in open.pages?.names(on: index - 2) ?? [] {
            // A renamed file is known by nothing else until it is copied.
            guard case .listed(let known) = inodes[open.inode]?.directory?[listed.name],
                !isLocal(open.inode, listed.name)
            else { continue }
            numbers.keep(
                known.number, of: listed.name, isDirectory: known.object == nil, in: open.inode)
            inodes[open.inode]?.directory?[listed.name] = nil
        }
    }
}
