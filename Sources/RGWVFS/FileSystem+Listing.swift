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
        let open = withState { state -> (InodeNumber, DirectoryPages.Start)? in
            guard let open = state.directories[handle], let start = open.pages?.start(of: index)
            else { return nil }
            return (open.inode, start)
        }
        guard let (directory, start) = open else { return finish(need, nil) }
        guard let load = begin(need, directory) else { return }
        let after: ObjectKey?
        do throws(ObjectKey.Invalid) {
            after = try start.after.map { rest throws(ObjectKey.Invalid) in
                try ObjectKey(load.prefix.bytes + rest)
            }
        } catch {
            return finish(need, .nameTooLong) { state in state.endLoad(directory) }
        }
        list(load, after: after) { state, page in
            state.absorbPage(
                handle, index, page, prefix: load.prefix, startedAt: load.startedAt)
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
        _ load: Load, after: ObjectKey?, then done: @escaping @Sendable (ListPage) -> Void
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
        store.list(bucket, prefix: key, delimited: true, after: after, limit: Self.pageNamesMax) {
            [self] result in
            switch result {
            case .success(let page): done(page)
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
        return page.objects.allSatisfy { isRemoved($0.key, isDirectory: false) }
            && page.commonPrefixes.allSatisfy { isRemoved($0, isDirectory: true) }
    }
}
