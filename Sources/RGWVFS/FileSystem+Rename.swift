package import RGWBase
import RGWObject
import RGWSpool

/// rename: answered when the journal has it. What is unsent goes up under its new name; what is in the
/// bucket is read from its old key until it has been copied, and the old key is deleted after that. At
/// every moment a file has at least one of its names in the bucket.
extension FileSystem {
    /// What the caller asked for.
    struct RenameRequest: Sendable {
        let parent: InodeNumber
        let name: EntryName
        let newParent: InodeNumber
        let newName: EntryName
        let mode: RenameMode
    }

    /// Both names of a rename, and what they may be called in the bucket.
    struct RenamePath: Sendable {
        let parent: InodeNumber
        let name: EntryName
        let newParent: InodeNumber
        let newName: EntryName
        let old: (file: ObjectAddress, marker: ObjectAddress)
        let new: (file: ObjectAddress, marker: ObjectAddress)
    }

    /// How far a step of a rename got.
    private enum Progress: Sendable {
        case moved(over: InodeNumber?)
        /// It is a directory: what is below it must be listed.
        case isTree
        /// Another rename works on one of the names, on a directory above or on a name below.
        case isReserved
        /// Something else has to end first.
        case waits(Need)
    }

    package func rename(
        _ parent: InodeNumber, _ name: EntryName, to newParent: InodeNumber, _ newName: EntryName,
        _ mode: RenameMode, _ reply: consuming Reply<Void>
    ) {
        let request = RenameRequest(
            parent: parent, name: name, newParent: newParent, newName: newName, mode: mode)
        let told = stored(removal: reply) { state in
            state.keys(of: parent, name, withTree: true)
                + state.keys(of: newParent, newName, withTree: true)
        }
        rename(request, told.park())
    }

    /// A file moves at once. A directory's objects must be listed first.
    private func rename(_ request: RenameRequest, _ parked: ParkedReply<InodeNumber?>) {
        let planned = Reply<Progress>(interruption: parked.interruption) { [self] result in
            switch result {
            case .failure(let error): parked.fail(error)
            case .success(.moved(let over)): parked.succeed(over)
            case .success(.isTree): renameTree(request, parked)
            case .success(.isReserved): afterReservations(request, parked)
            case .success(.waits(let need)):
                wait(parked) { whenOver in
                    fetch(need) { [self] error in
                        whenOver { [self] in
                            if let error { parked.fail(error) } else { rename(request, parked) }
                        }
                    }
                }
            }
        }
        perform(planned, undoes: true) { state, moment throws(FileSystemError) in
            let path = try state.path(request)
            if state.isReserved(path) { return .done(.isReserved) }
            let plan = try state.planRename(path, request.mode, isQuiet: false, moment)
            guard case .done(let plan) = plan else { return plan.asNeed() }
            switch plan {
            case .nothing: return .done(.moved(over: nil))
            case .exchange(let first, let second):
                state.exchange(first, second, path, moment)
                return .done(.moved(over: nil))
            case .tree: return .done(.isTree)
            case .file(let inode, let target):
                let need = try state.moveFile(inode, path, target: target, moment)
                return .done(need.map { .waits($0) } ?? .moved(over: target))
            }
        }
    }

    /// The list of what another rename moves would miss what this one moves.
    private func afterReservations(_ request: RenameRequest, _ parked: ParkedReply<InodeNumber?>) {
        withState { state in
            let again: @Sendable () -> Void = { [self] in rename(request, parked) }
            let isReserved = (try? state.path(request)).map { state.isReserved($0) } ?? false
            if isReserved {
                state.renamesWaiting.append(again)
            } else {
                state.actions.append(again)
            }
        }
    }

    // MARK: Trees

    /// A larger directory is not renamed: mv(1) then copies it. Source: writeback.md 4.6.
    private static let treeMax = 100_000

    /// While the objects are listed nothing is sent below either name.
    private func renameTree(_ request: RenameRequest, _ parked: ParkedReply<InodeNumber?>) {
        let reserved: Result<RenamePath?, FileSystemError> = withState { state in
            do throws(FileSystemError) {
                let path = try state.path(request)
                if state.isReserved(path) { return .success(nil) }
                state.reserve(path)
                return .success(path)
            } catch { return .failure(error) }
        }
        let path: RenamePath
        switch reserved {
        case .failure(let error): return parked.fail(error)
        case .success(nil): return afterReservations(request, parked)
        case .success(.some(let known)): path = known
        }
        let ended = Reply<Need?> { [self] result in
            withState { state in state.release(path) }
            pump()
            switch result {
            case .failure(let error): parked.fail(error)
            case .success(nil): parked.succeed(nil)
            // Copies of an earlier rename go first; then there is more to list.
            case .success(.some(let need)):
                fetch(need) { [self] error in
                    if let error { parked.fail(error) } else { rename(request, parked) }
                }
            }
        }.park()
        // Requests that were under way before may still change what is listed.
        let quiet = Reply<Void> { [self] result in
            if case .failure(let error) = result { return ended.fail(error) }
            listTree(path.old.marker, after: nil, found: []) { [self] result in
                switch result {
                case .failure(let error): ended.fail(error)
                case .success(let objects): moveTree(path, request.mode, objects, ended)
                }
            }
        }
        perform(quiet) { state, moment throws(FileSystemError) in
            let plan = try state.planRename(path, request.mode, isQuiet: true, moment)
            guard case .done = plan else { return plan.asNeed() }
            return .done(())
        }
    }

    private func moveTree(
        _ path: RenamePath, _ mode: RenameMode, _ objects: [ListedObject],
        _ ended: ParkedReply<Need?>
    ) {
        perform(Reply { ended.send($0) }, undoes: true) { state, moment throws(FileSystemError) in
            switch try state.planRename(path, mode, isQuiet: true, moment) {
            case .need(let need): return .need(need)
            case .done(.tree(let inode, _)):
                return .done(try state.moveTree(inode, path, objects, moment))
            // Another client replaced it.
            case .done(.nothing), .done(.file), .done(.exchange): throw .stale
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
            case .failure(let error):
                noteReadFailure(marker, error)
                done(.failure(FileSystemError(error)))
            case .success(let page):
                let found = found + page.objects
                if found.count > Self.treeMax { return done(.failure(.crossesDevices)) }
                guard let next = page.next else { return done(.success(found)) }
                listTree(marker, after: next, found: found, then: done)
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

extension VolumeState {
    /// The names as they are called now: a directory above may have been renamed.
    func path(
        _ request: FileSystem.RenameRequest
    ) throws(FileSystemError) -> FileSystem.RenamePath {
        FileSystem.RenamePath(
            parent: request.parent, name: request.name, newParent: request.newParent,
            newName: request.newName, old: try addresses(request.parent, request.name),
            new: try addresses(request.newParent, request.newName))
    }
}
