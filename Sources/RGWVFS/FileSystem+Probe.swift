import RGWBase
import RGWObject
import RGWSpool

/// Single names that no listing told of, and directories without a marker.
extension FileSystem {
    func probe(_ need: Need, _ parent: InodeNumber, _ name: EntryName) {
        learnNumber(parent, name) { [self] in ask(need, parent, name) }
    }

    private func ask(_ need: Need, _ parent: InodeNumber, _ name: EntryName) {
        let startedAt = clock.now()
        let both = withState { state -> (file: ObjectAddress, marker: ObjectAddress)? in
            guard let both = try? state.addresses(parent, name) else { return nil }
            state.beginLoad(parent)
            return both
        }
        guard let both else { return finish(need, .stale) }
        if both.marker == both.file {
            // Too long for a directory.
            return probeFile(need, parent, name, both.file, startedAt: startedAt)
        }
        /// It was removed here: an object may have its name.
        let isHidden: @Sendable (ListedObject) -> Bool = { [self] object in
            withState { state in
                state.hides(parent, name).directory
                    && !state.endsRemoval(parent, name, by: object)
            }
        }
        // The directory wins over an object of the same name, so both are asked.
        store.list(
            both.marker.bucket, prefix: both.marker.key, delimited: false, after: nil, limit: 1
        ) { [self] listed in
            switch listed {
            case .failure(let error) where error.kind == .accessDenied:
                probeUnlisted(need, parent, name, both, startedAt: startedAt)
            case .failure(let error):
                noteReadFailure(both.marker, error)
                finish(need, FileSystemError(error)) { state in state.endLoad(parent) }
            case .success(let page) where page.objects.first.map { !isHidden($0) } ?? false:
                finish(need, nil) { state in
                    if (try? state.addresses(parent, name))?.marker == both.marker {
                        state.absorbProbe(
                            parent, name, object: nil, isDirectory: true, startedAt: startedAt)
                    }
                    state.endLoad(parent)
                }
            case .success where configuration.attributeSource == .list:
                probeListed(need, parent, name, both.file, startedAt: startedAt)
            case .success: probeFile(need, parent, name, both.file, startedAt: startedAt)
            }
        }
    }

    /// Where nothing may be listed a name is asked for itself, and then its marker. RGW refuses HEAD of a key
    /// that does not exist with 403 there: "no such file" cannot be told from "not allowed".
    private func probeUnlisted(
        _ need: Need, _ parent: InodeNumber, _ name: EntryName,
        _ both: (file: ObjectAddress, marker: ObjectAddress), startedAt: Instant
    ) {
        store.head(both.marker) { [self] result in
            switch result {
            case .success:
                finish(need, nil) { state in
                    if (try? state.addresses(parent, name))?.marker == both.marker {
                        state.absorbProbe(
                            parent, name, object: nil, isDirectory: true, startedAt: startedAt)
                    }
                    state.endLoad(parent)
                }
            case .failure(let error)
            where error.kind == .noSuchKey || error.kind == .accessDenied:
                probeFile(need, parent, name, both.file, startedAt: startedAt)
            case .failure(let error):
                noteReadFailure(both.marker, error)
                finish(need, FileSystemError(error)) { state in state.endLoad(parent) }
            }
        }
    }

    private func probeFile(
        _ need: Need, _ parent: InodeNumber, _ name: EntryName, _ file: ObjectAddress,
        startedAt: Instant
    ) {
        store.head(file) { [self] result in
            let error: FileSystemError? =
                switch result {
                case .failure(let error) where error.kind != .noSuchKey: FileSystemError(error)
                default: nil
                }
            if case .failure(let error) = result { noteReadFailure(file, error) }
            finish(need, error) { state in
                if case .success = result { state.unreadable.forget(file, isContent: false) }
                if error == nil, (try? state.addresses(parent, name))?.file == file {
                    let head = try? result.get()
                    let object = head.map {
                        BaseVersion($0)
                    }
                    state.absorbProbe(
                        parent, name, object: object, head: head, isDirectory: false,
                        startedAt: startedAt)
                }
                state.endLoad(parent)
            }
        }
    }

    /// attrs=list: the line of the listing is all that is wanted. The first key that begins with this one is this one.
    private func probeListed(
        _ need: Need, _ parent: InodeNumber, _ name: EntryName, _ file: ObjectAddress,
        startedAt: Instant
    ) {
        store.list(file.bucket, prefix: file.key, delimited: false, after: nil, limit: 1) {
            [self] result in
            switch result {
            case .failure(let error):
                noteReadFailure(file, error)
                finish(need, FileSystemError(error)) { state in state.endLoad(parent) }
            case .success(let page):
                finish(need, nil) { state in
                    if (try? state.addresses(parent, name))?.file == file {
                        let object = page.objects.first { $0.key == file.key }.map {
                            BaseVersion($0)
                        }
                        state.absorbProbe(
                            parent, name, object: object, isDirectory: false, startedAt: startedAt)
                    }
                    state.endLoad(parent)
                }
            }
        }
    }

    // MARK: Directories without a marker

    /// No marker. An object without a slash may stand for it.
    func headOldMarker(
        _ need: Need, _ inode: InodeNumber, _ marker: ObjectAddress, _ parent: InodeNumber?,
        startedAt: Instant
    ) {
        let old = withState { state in state.oldMarker(inode) }
        guard let old else {
            return headImplicit(need, inode, marker, parent, startedAt: startedAt)
        }
        store.head(old) { [self] result in
            switch result {
            case .success(let head) where PosixMetadata.isOldMarker(head):
                finish(need, nil) { state in
                    if let parent { state.endLoad(parent) }
                    guard state.oldMarker(inode) == old else { return }
                    let attributes = PosixMetadata.attributes(
                        of: head, isMarker: true, defaults: state.defaults)
                    state.absorbOldAttributes(inode, attributes, startedAt: startedAt)
                }
            case .success:
                withState { state in state.forgetOldMarker(inode) }
                headImplicit(need, inode, marker, parent, startedAt: startedAt)
            case .failure(let error) where error.kind == .noSuchKey:
                withState { state in state.forgetOldMarker(inode) }
                headImplicit(need, inode, marker, parent, startedAt: startedAt)
            case .failure(let error):
                noteReadFailure(old, error)
                finish(need, FileSystemError(error)) { state in
                    if let parent { state.endLoad(parent) }
                }
            }
        }
    }

    /// No marker: the directory exists as long as some key is below it.
    private func headImplicit(
        _ need: Need, _ inode: InodeNumber, _ marker: ObjectAddress, _ parent: InodeNumber?,
        startedAt: Instant
    ) {
        let isListed = withState { state -> Bool in
            if state.isBucket(inode) { return true }
            guard let link = state.inodes[inode]?.link, !state.isLocal(inode) else { return true }
            return state.isListingFresh(link.parent, now: clock.now(), since: startedAt)
        }
        if inode == .root || isListed {
            return finish(need, nil) { state in
                if let parent { state.endLoad(parent) }
                state.absorbImplicit(inode, startedAt: startedAt)
            }
        }
        store.list(marker.bucket, prefix: marker.key, delimited: false, after: nil, limit: 1) {
            [self] result in
            switch result {
            case .failure(let error) where error.kind == .accessDenied:
                // What is below may not be listed: that says nothing of the directory.
                finish(need, nil) { state in
                    if let parent { state.endLoad(parent) }
                    state.absorbImplicit(inode, startedAt: startedAt)
                }
            case .failure(let error):
                noteReadFailure(marker, error)
                finish(need, FileSystemError(error)) { state in
                    if let parent { state.endLoad(parent) }
                }
            case .success(let page):
                finish(need, nil) { state in
                    if let parent { state.endLoad(parent) }
                    if page.objects.isEmpty {
                        state.absorbAbsence(inode, startedAt: startedAt)
                    } else {
                        state.absorbImplicit(inode, startedAt: startedAt)
                    }
                }
            }
        }
    }
}
