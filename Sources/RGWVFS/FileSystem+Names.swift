package import RGWBase
import RGWObject
import RGWSpool

/// lookup, forget, attributes and links.
extension FileSystem {
    package func lookup(
        _ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<EntryAnswer>
    ) {
        perform(reply) { [self] state, moment throws(FileSystemError) in
            switch try state.resolve(
                parent, name, now: moment.now, since: moment.since, time: moment.time)
            {
            case .found(let inode):
                state.noteLookedUp(inode, in: parent)
                return .done(try state.entryAnswer(inode, now: moment.now))
            case .absent: throw .notFound
            case .need(.head(let inode)) where state.isBeingRemoved(inode, in: parent):
                return .done(try state.unreadAnswer(inode))
            case .need(.head(let inode)):
                if state.removals.count == 0, state.shouldReadAhead(parent) {
                    state.actions.append { [self] in readAhead(parent, after: name) }
                }
                return .need(.head(inode))
            case .need(let need): return .need(need)
            }
        }
    }

    package func forget(_ inode: InodeNumber, count: UInt64) {
        withState { state in state.forget(inode, count: count) }
        commitInBackground()
    }

    package func getattr(
        _ inode: InodeNumber, by handle: HandleID? = nil,
        _ reply: consuming Reply<AttributeAnswer>
    ) {
        perform(reply) { [self] state, moment throws(FileSystemError) in
            if let need = state.attributeNeed(inode, now: moment.now, since: moment.since) {
                // Every path goes through the root: a server that hangs must not block names that
                // are known here, so the root is shown as it was and looked at behind the scenes.
                // Before the server's first answer these are the mount's own owner and mask.
                guard inode == .root else {
                    if state.inodes[inode]?.isDirectory == false { state.removals.count = 0 }
                    return .need(need)
                }
                state.actions.append { [self] in fetch(need) { _ in } }
            }
            if let handle, state.isOutdated(handle) { throw .stale }
            return .done(try state.attributeAnswer(inode, now: moment.now))
        }
    }

    package func readlink(_ inode: InodeNumber, _ reply: consuming Reply<[UInt8]>) {
        perform(reply) { state, moment throws(FileSystemError) in
            guard let known = state.inodes[inode], !state.isTaken(inode) else { throw .stale }
            guard known.attributes.kind == .symlink else { throw .invalidArgument }
            if let target = known.symlinkTarget { return .done(target) }
            guard let file = known.spoolFile else { return .need(.target(inode)) }
            // After a restart the target of an unsent link is in the spool only.
            do throws(SpoolError) {
                return .done(try file.read(at: 0, count: FileSystem.targetMax))
            } catch { throw FileSystemError(error) }
        }
    }

    package func symlink(
        _ parent: InodeNumber, _ name: EntryName, target: [UInt8], _ caller: Caller,
        _ reply: consuming Reply<EntryAnswer>
    ) {
        let parked = reply.park()
        withNewData(
            parking: { [self] in park(parked, $0) }, failed: { parked.fail($0) }
        ) { [self] id, file in
            symlink(
                parent, name, target: target, caller, in: (id, file),
                Reply(interruption: parked.interruption) { parked.send($0) })
        }
    }

    private func symlink(
        _ parent: InodeNumber, _ name: EntryName, target: [UInt8], _ caller: Caller,
        in data: (id: DataID, file: any SpoolFile), _ reply: consuming Reply<EntryAnswer>
    ) {
        do throws(SpoolError) { try data.file.write(target.span, at: 0) } catch {
            withState { state in state.discard(data.id) }
            commitInBackground()
            return reply.fail(FileSystemError(error))
        }
        let adopted = OnceGate()
        let told = stored(.names, reply, undo: { [self] in forgetEntry($0) }) {
            $0.keys(of: parent, name)
        }
        let guarded = discarding(data.0, unless: adopted, onFailureOf: told)
        perform(guarded, undoes: true) { state, moment throws(FileSystemError) in
            var attributes = FileAttributes(
                madeBy: caller, .symlink, permissions: 0o777, at: moment.time)
            attributes.size = UInt64(target.count)
            let made = try state.make(
                parent, name, attributes, content: .spool(data.0, data.1), moment)
            guard case .done(let inode) = made else { return made.asNeed() }
            _ = adopted.enter()
            state.inodes[inode]?.symlinkTarget = target
            state.inodes[inode]?.metadata.contentType = "application/octet-stream"
            state.wantPut(inode, now: moment.now, time: moment.time, held: false)
            return .done(try state.entryAnswer(inode, now: moment.now))
        }
    }

    package func mknod(
        _ parent: InodeNumber, _ name: EntryName, kind: FileKind, permissions: UInt32, rdev: UInt64,
        _ caller: Caller, _ reply: consuming Reply<EntryAnswer>
    ) {
        let told = stored(.names, reply, undo: { [self] in forgetEntry($0) }) {
            $0.keys(of: parent, name)
        }
        perform(told, undoes: true) { state, moment throws(FileSystemError) in
            var attributes = FileAttributes(
                madeBy: caller, kind, permissions: permissions, at: moment.time)
            attributes.rdev = rdev
            let made = try state.make(parent, name, attributes, content: .remote, moment)
            guard case .done(let inode) = made else { return made.asNeed() }
            state.wantPut(inode, now: moment.now, time: moment.time, held: false)
            return .done(try state.entryAnswer(inode, now: moment.now))
        }
    }

    package func mkdir(
        _ parent: InodeNumber, _ name: EntryName, permissions: UInt32, _ caller: Caller,
        _ reply: consuming Reply<EntryAnswer>
    ) {
        if layout.isAllBuckets, parent == .root { return makeBucket(name, reply.park()) }
        let told = stored(.names, reply, undo: { [self] in forgetEntry($0) }) {
            $0.keys(of: parent, name)
        }
        perform(told, undoes: true) { state, moment throws(FileSystemError) in
            var attributes = FileAttributes(
                madeBy: caller, .directory, permissions: permissions, at: moment.time)
            attributes.size = PosixMetadata.directorySize
            let made = try state.make(parent, name, attributes, content: .remote, moment)
            guard case .done(let inode) = made else { return made.asNeed() }
            state.inodes[inode]?.metadata.contentType = "application/x-directory"
            state.inodes[inode]?.directory?.listedAt = moment.now
            state.inodes[inode]?.directory?.hasMarker = true
            // An earlier directory's marker may still wait to be deleted.
            let isPending = state.address(inode).map { state.intents.isPending($0) } ?? true
            state.inodes[inode]?.directory?.isNew = !isPending
            state.wantPut(inode, now: moment.now, time: moment.time, held: false)
            return .done(try state.entryAnswer(inode, now: moment.now))
        }
    }

    package func unlink(
        _ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<Void>
    ) {
        let told = stored(removal: reply) { $0.keys(of: parent, name) }
        perform(told, undoes: true) { state, moment throws(FileSystemError) in
            if state.isReadOnly { throw .readOnly }
            let found = try state.removable(parent, name, moment)
            guard case .done(let inode) = found else { return found.asNeed() }
            guard state.inodes[inode]?.isDirectory == false else { throw .isDirectory }
            state.removeFile(inode, now: moment.now, time: moment.time)
            state.removals = (state.removals.count + 1, parent)
            return .done(inode)
        }
    }

    package func rmdir(
        _ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<Void>
    ) {
        if layout.isAllBuckets, parent == .root { return removeBucket(name, reply.park()) }
        let told = stored(removal: reply) { $0.keys(of: parent, name) }
        perform(told, undoes: true) { state, moment throws(FileSystemError) in
            if state.isReadOnly { throw .readOnly }
            let found = try state.removable(parent, name, moment)
            guard case .done(let inode) = found else { return found.asNeed() }
            if let need = try state.emptyNeed(inode, moment) { return .need(need) }
            state.removeDirectory(inode, now: moment.now, time: moment.time)
            return .done(inode)
        }
    }
}

extension FileSystem.Step {
    /// A step that lacks something lacks it for every kind of answer.
    func asNeed<Other: Sendable>() -> FileSystem.Step<Other> {
        switch self {
        case .need(let need): .need(need)
        case .done: preconditionFailure("an answer is not a need")
        }
    }
}
