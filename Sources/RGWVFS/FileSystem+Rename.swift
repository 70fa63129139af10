package import RGWBase
import RGWObject
import RGWSpool

/// rename: what is unsent moves in the journal alone; what is in the bucket is copied first, and its old
/// name is deleted only when the journal has the new one. At every moment a file has at least one name.
extension FileSystem {
    /// Both names of a rename, and what they may be called in the bucket.
    struct RenamePath: Sendable {
        let parent: InodeNumber
        let name: EntryName
        let newParent: InodeNumber
        let newName: EntryName
        let old: (file: ObjectAddress, marker: ObjectAddress)
        let new: (file: ObjectAddress, marker: ObjectAddress)
    }

    /// What a rename needs from the bucket before it can happen.
    enum RenameWork: Sendable {
        case finished
        case copyFile(InodeNumber, ETag, ObjectMetadata)
        case copyTree(InodeNumber)
    }

    package func rename(
        _ parent: InodeNumber, _ name: EntryName, to newParent: InodeNumber, _ newName: EntryName,
        _ mode: RenameMode, _ reply: consuming Reply<Void>
    ) {
        beginRename(parent, name, to: newParent, newName, mode, reply.park())
    }

    /// Waits while another rename works on one of the names, on a directory above or on a name below: its
    /// copies would miss what this one moves.
    private func beginRename(
        _ parent: InodeNumber, _ name: EntryName, to newParent: InodeNumber, _ newName: EntryName,
        _ mode: RenameMode, _ parked: ParkedReply<Void>
    ) {
        let made: Result<RenamePath?, FileSystemError> = withState { state in
            do throws(FileSystemError) {
                let path = RenamePath(
                    parent: parent, name: name, newParent: newParent, newName: newName,
                    old: try state.addresses(parent, name),
                    new: try state.addresses(newParent, newName))
                if state.isReserved(path) {
                    state.renamesWaiting.append { [self] in
                        beginRename(parent, name, to: newParent, newName, mode, parked)
                    }
                    return .success(nil)
                }
                state.reserve(path)
                return .success(path)
            } catch { return .failure(error) }
        }
        let path: RenamePath
        switch made {
        case .failure(let error): return parked.fail(error)
        case .success(nil): return
        case .success(.some(let reserved)): path = reserved
        }
        let done = Reply<Void> { [self] result in
            withState { state in state.release(path) }
            parked.send(result)
            pump()
        }
        planRename(path, mode, done.park())
    }

    private func planRename(_ path: RenamePath, _ mode: RenameMode, _ done: ParkedReply<Void>) {
        let planned = Reply<RenameWork> { [self] result in
            switch result {
            case .failure(let error): done.fail(error)
            case .success(.finished): done.succeed(())
            case .success(.copyFile(let inode, let etag, let metadata)):
                copyFile(path, inode, etag, metadata, done)
            case .success(.copyTree(let inode)): copyTree(path, inode, done)
            }
        }
        perform(planned, undoes: true) { state, moment throws(FileSystemError) in
            try state.planRename(path, mode, moment)
        }
    }

    private func copyFile(
        _ path: RenamePath, _ inode: InodeNumber, _ etag: ETag, _ metadata: ObjectMetadata,
        _ done: ParkedReply<Void>
    ) {
        store.copyUntilKnown(
            from: path.old.file, to: path.new.file, metadata: metadata, sourceMatching: etag
        ) { [self] result in
            switch result {
            case .failure(let error):
                let moment = Moment(now: clock.now(), since: clock.now(), time: clock.wallTime())
                withState { state in
                    state.distrust(path)
                    if error.kind == .unknownOutcome { state.undoCopy(path, etag, moment) }
                }
                commitInBackground()
                done.fail(error.kind == .noSuchKey ? .notFound : FileSystemError(error))
            case .success(let stored):
                perform(Reply { done.send($0) }) { state, moment throws(FileSystemError) in
                    try state.finishFileRename(path, inode, etag, metadata, stored, moment)
                    return .done(())
                }
            }
        }
    }

    // MARK: Trees

    /// A larger directory is not renamed: mv(1) then copies it. Source: writeback.md 4.6.
    private static let treeMax = 100_000

    private func copyTree(_ path: RenamePath, _ inode: InodeNumber, _ done: ParkedReply<Void>) {
        listTree(path.old.marker, after: nil, found: []) { [self] result in
            switch result {
            case .failure(let error): done.fail(error)
            case .success(let objects): copyObjects(path, inode, objects, done)
            }
        }
    }

    private func listTree(
        _ marker: ObjectAddress, after: ObjectKey?, found: [ListedObject],
        then done: @escaping @Sendable (Result<[ListedObject], FileSystemError>) -> Void
    ) {
        store.list(
            marker.bucket, prefix: marker.key, delimited: false, after: after, limit: 1000
        ) { [self] result in
            switch result {
            case .failure(let error): done(.failure(FileSystemError(error)))
            case .success(let page):
                let found = found + page.objects
                if found.count > Self.treeMax { return done(.failure(.crossesDevices)) }
                guard let next = page.next else { return done(.success(found)) }
                listTree(marker, after: next, found: found, then: done)
            }
        }
    }

    private func copyObjects(
        _ path: RenamePath, _ inode: InodeNumber, _ objects: [ListedObject],
        _ done: ParkedReply<Void>
    ) {
        let copies: [TreeCopy.Item] = withState { state in
            objects.compactMap { object in
                let from = ObjectAddress(bucket: path.old.marker.bucket, key: object.key)
                // The marker is made anew; unsent and deleted files have nothing to copy.
                if from == path.old.marker { return nil }
                let want = state.intents.intents[from]?.record.want
                if want == .put || want == .delete || want == .removeDirectory { return nil }
                guard let to = path.renamed(from) else { return nil }
                return TreeCopy.Item(from: from, to: to, etag: object.etag)
            }
        }
        let copy = TreeCopy(store: store, items: copies, parallel: configuration.uploadsMax)
        copy.run { [self] copied, error in
            if let error {
                perform(Reply { _ in done.fail(FileSystemError(error)) }) {
                    state, moment throws(FileSystemError) in
                    state.undoCopies(path, copied, moment)
                    return .done(())
                }
                return
            }
            perform(Reply { done.send($0) }) { state, moment throws(FileSystemError) in
                try state.finishTreeRename(path, inode, objects, copied, moment)
                return .done(())
            }
        }
    }
}

extension FileSystem.RenamePath {
    /// Where a key below the old directory is below the new one; nil when the new key is too long.
    func renamed(_ address: ObjectAddress) -> ObjectAddress? {
        let rest = address.key.bytes.dropFirst(old.marker.key.bytes.count)
        return (try? ObjectKey(new.marker.key.bytes + rest)).map {
            ObjectAddress(bucket: new.marker.bucket, key: $0)
        }
    }
}
