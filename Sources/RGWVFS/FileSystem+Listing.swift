import RGWBase
import RGWObject

/// Fetches of a directory's names: LIST, a page of 1,000 at a time.
extension FileSystem {
    /// S3's limit of names in one answer. Source: S3 API, ListObjectsV2, max-keys.
    static let pageNamesMax = 1000

    /// A load of a directory's names that has begun.
    private struct Load: Sendable {
        let need: Need
        let directory: InodeNumber
        let prefix: KeyPrefix
        let startedAt: Instant

        /// Whoever waits for it can do with less.
        var isWhole: Bool {
            switch need {
            case .list, .names: true
            default: false
            }
        }
    }

    /// The whole directory, if it has no more than a page; else its first page.
    func list(_ need: Need, _ directory: InodeNumber) {
        guard let load = begin(need, directory) else { return }
        list(load, after: nil) { state, page in
            state.absorbListing(
                directory, objects: page.objects, prefixes: page.commonPrefixes,
                isComplete: page.next == nil, startedAt: load.startedAt)
        }
    }

    /// One page for a reader of a large directory.
    func page(_ need: Need, _ handle: HandleID, _ index: Int) {
        let open = withState { state -> (InodeNumber, DirectoryPages.Start, end: [UInt8]?)? in
            guard let open = state.directories[handle], let start = open.pages?.start(of: index)
            else { return nil }
            return (open.inode, start, open.pages?.start(of: index + 1)?.after)
        }
        guard let (directory, start, end) = open else { return finish(need, nil) }
        guard let load = begin(need, directory) else { return }
        let after: ObjectKey?
        do throws(ObjectKey.Invalid) {
            after = try start.after.map { rest throws(ObjectKey.Invalid) in
                try ObjectKey(load.prefix.bytes + rest)
            }
        } catch {
            return finish(need, .nameTooLong) { state in state.endLoad(directory) }
        }
        let whole = ListPage(objects: [], commonPrefixes: [], next: after)
        let last = end.flatMap {
            KeyPrefix(bucket: load.prefix.bucket, bytes: load.prefix.bytes + $0).marker?.key
        }
        gather(load, whole, through: last) { state, page in
            state.absorbPage(
                handle, index, page, prefix: load.prefix, startedAt: load.startedAt)
        }
    }

    /// A name of a large directory, and those that follow it.
    func names(_ need: Need, _ directory: InodeNumber, from name: EntryName) {
        guard let load = begin(need, directory) else { return }
        let limit = withState { state in state.namesToAsk(directory) }
        let start = load.prefix.bytes + (name.predecessor ?? [])
        // Too long a key: from the directory's beginning, which may not have the name.
        let after = try? ObjectKey(start)
        request(load, after: after, limit: limit) { [self] page in
            finish(load) { state in
                state.absorbNames(
                    directory, name, page, prefix: load.prefix, startedAt: load.startedAt)
            }
        }
    }

    /// Requests that a page which is read again may cost: names have come since.
    private static let pageRequestsMax = 4

    /// A page that was read before ends where it ended then, so that offsets into later pages stay valid.
    private func gather(
        _ load: Load, _ before: ListPage, through end: ObjectKey?, requests: Int = 1,
        absorb: @escaping @Sendable (inout VolumeState, ListPage) -> Void
    ) {
        request(load, after: before.next) { [self] page in
            let page = ListPage(
                objects: before.objects + page.objects,
                commonPrefixes: before.commonPrefixes + page.commonPrefixes, next: page.next)
            guard let end else { return finish(load) { state in absorb(&state, page) } }
            if let next = page.next, next < end, requests < Self.pageRequestsMax {
                return gather(
                    load, page, through: end, requests: requests + 1, absorb: absorb)
            }
            finish(load) { state in absorb(&state, page.cut(after: end)) }
        }
    }

    /// Reads a large directory until it finds a name that is not removed here, and keeps none before.
    func scan(_ need: Need, _ directory: InodeNumber) {
        guard let load = begin(need, directory) else { return }
        scan(load, after: nil)
    }

    private func scan(_ load: Load, after: ObjectKey?) {
        request(load, after: after) { [self] page in
            let isRemoved = withState { state in
                state.isRemoved(page, in: load.directory, load.prefix)
            }
            if isRemoved, let next = page.next { return scan(load, after: next) }
            finish(load) { state in
                state.absorbListing(
                    load.directory, objects: page.objects, prefixes: page.commonPrefixes,
                    isComplete: isRemoved, startedAt: load.startedAt)
                if isRemoved { return }
                state.inodes[load.directory]?.directory?.occupiedAt = load.startedAt
            }
        }
    }

    // MARK: Requests

    private func begin(_ need: Need, _ directory: InodeNumber) -> Load? {
        let startedAt = clock.now()
        let known = withState { state -> KeyPrefix? in
            guard let prefix = state.prefix(directory) else { return nil }
            state.beginLoad(directory)
            return prefix
        }
        guard let known else {
            finish(need, .stale)
            return nil
        }
        return Load(need: need, directory: directory, prefix: known, startedAt: startedAt)
    }

    private func list(
        _ load: Load, after: ObjectKey?,
        absorb: @escaping @Sendable (inout VolumeState, ListPage) -> Void
    ) {
        request(load, after: after) { [self] page in
            finish(load) { state in absorb(&state, page) }
        }
    }

    /// Ends a load. A directory renamed meanwhile has other keys: whoever waited asks again.
    private func finish(_ load: Load, absorb: (inout VolumeState) -> Void) {
        finish(load.need, nil) { state in
            if state.prefix(load.directory) == load.prefix { absorb(&state) }
            state.endLoad(load.directory)
        }
    }

    private func request(
        _ load: Load, after: ObjectKey?, limit: Int = pageNamesMax,
        then done: @escaping @Sendable (ListPage) -> Void
    ) {
        let key: ObjectKey?
        do throws(ObjectKey.Invalid) {
            key = load.prefix.bytes.isEmpty ? nil : try ObjectKey(load.prefix.bytes)
        } catch {
            return finish(load.need, .nameTooLong) { state in state.endLoad(load.directory) }
        }
        guard let bucket = load.prefix.bucket else {
            return finish(load.need, .stale) { state in state.endLoad(load.directory) }
        }
        store.list(bucket, prefix: key, delimited: true, after: after, limit: limit) {
            [self] result in
            switch result {
            case .success(let page):
                learnNumbers(load.directory, page, prefixLength: load.prefix.bytes.count) {
                    done(page)
                }
            case .failure(let error) where error.kind == .accessDenied && load.isWhole:
                // The names may still be asked for one by one.
                finish(load.need, nil) { state in
                    state.endLoad(load.directory)
                    state.inodes[load.directory]?.directory?.deniedAt = load.startedAt
                }
            case .failure(let error):
                noteReadFailure(String(decoding: load.prefix.bytes, as: UTF8.self), error)
                finish(load.need, listingError(error)) { state in
                    state.endLoad(load.directory)
                    state.noteListingFailure(error)
                }
            }
        }
    }
}

extension VolumeState {
    /// Every name on the page was removed here, or its removal reached the bucket meanwhile.
    func isRemoved(_ page: ListPage, in directory: InodeNumber, _ prefix: KeyPrefix) -> Bool {
        let local = localNames(directory, prefix: prefix)
        func isRemoved(_ key: ObjectKey, isDirectory: Bool) -> Bool {
            if key.bytes == prefix.bytes { return true }
            guard let name = layout.entryName(key, prefixLength: prefix.bytes.count) else {
                return false
            }
            return local.hides(name, isDirectory: isDirectory)
        }
        // What is kept at the directory's own key is no name, and goes with the directory all the same.
        if page.objects.contains(where: { $0.key.bytes == prefix.bytes && $0.size > 0 }) {
            return false
        }
        return page.objects.allSatisfy { isRemoved($0.key, isDirectory: false) }
            && page.commonPrefixes.allSatisfy { isRemoved($0, isDirectory: true) }
    }
}

extension ListPage {
    /// Without what comes after the key, which the next page follows.
    fileprivate func cut(after end: ObjectKey) -> ListPage {
        var page = self
        page.objects.removeAll { end < $0.key }
        page.commonPrefixes.removeAll { end < $0 }
        let isCut =
            page.objects.count < objects.count
            || page.commonPrefixes.count < commonPrefixes.count
        if isCut || next.map({ end < $0 }) ?? false { page.next = end }
        return page
    }
}
