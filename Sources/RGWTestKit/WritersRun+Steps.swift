import RGWBase
import RGWObject
import RGWVFS

/// The operations.
extension WritersRun {
    func apply(_ operation: WritersOperation) throws {
        switch operation {
        case .open, .write, .read, .fsync, .close: try useSlot(operation)
        case .save, .append, .patch, .truncate: try change(operation)
        case .load, .stat, .list: try look(operation)
        case .rename, .unlink, .mark, .mode: try move(operation)
        case .put, .delete, .copy: useBucket(operation)
        case .shrink(let client):
            let open = Set(clients[client].slots.compactMap { $0?.file.inode })
            try quietly(client) { kernel throws(FileSystemError) in kernel.shrink(keeping: open) }
        case .kill(let client): if plan.kills { try kill(client) }
        case .wait(let milliseconds): world.advance(by: .milliseconds(milliseconds))
        case .step(let count): for _ in 0..<count { _ = world.step() }
        }
        for client in clients {
            let faults = client.kernel.volume.fileSystem.indexFaults()
            if !faults.isEmpty { try fail("kept beside the state, and wrong: \(faults)") }
        }
    }

    /// What system calls may answer when others move and remove what they are called for.
    private func allow(_ error: FileSystemError) throws {
        switch error {
        case .notFound, .stale, .exists: return
        case .inputOutput, .timedOut: if plan.faults > 0 { return }
        default: break
        }
        try fail("failed: \(error)")
    }

    /// True: it succeeded.
    @discardableResult
    private func quietly(
        _ client: Int, _ body: (KernelModel) throws(FileSystemError) -> Void
    ) throws -> Bool {
        do throws(FileSystemError) {
            try body(clients[client].kernel)
            return true
        } catch {
            try allow(error)
            return false
        }
    }

    private func kill(_ client: Int) throws {
        for case let slot? in clients[client].slots {
            if let session = slot.session { history.sessions[session].end = index }
        }
        hear(client)
        history.kills.append((client, world.now()))
        try remount(client)
    }

    // MARK: Writing

    private func begin(_ client: Int, _ name: String, _ kind: WritersHistory.Kind) -> Int {
        history.sessions.append(
            WritersHistory.Session(
                writer: client, name: name, kind: kind, start: index, startedAt: world.now()))
        return history.sessions.count - 1
    }

    /// Its own machine shows a change at once to whoever has the file open.
    private func disturb(_ client: Int, except slot: Int? = nil) {
        for other in clients[client].slots.indices where other != slot {
            clients[client].slots[other]?.isDisturbed = true
        }
    }

    private func write(
        _ client: Int, _ file: KernelModel.File, _ session: Int, offset: Int, isFirst: Bool,
        tag: UInt8, count: Int
    ) throws {
        let kind: WriterStep.Kind =
            switch history.sessions[session].kind {
            case .append: .append
            case .save where isFirst: .put
            default: .write(at: offset)
            }
        history.step(session, kind, tag: tag, count: count)
        let done = try quietly(client) { kernel throws(FileSystemError) in
            try kernel.write(file, [UInt8](repeating: tag, count: count), at: offset)
        }
        if !done { refuse(client, session) }
    }

    private func refuse(_ client: Int, _ session: Int) {
        history.sessions[session].isTold = true
        history.refusals.append((client, history.sessions[session].name, index))
    }

    private func confirm(
        _ client: Int, _ session: Int, _ body: (KernelModel) throws(FileSystemError) -> Void
    ) throws {
        if try quietly(client, body) {
            guard !history.sessions[session].isTold else { return }
            history.sessions[session].acknowledged =
                history.sessions[session].steps.filter { $0.count > 0 }.map(\.tag)
        } else {
            refuse(client, session)
        }
    }

    private func close(_ client: Int, _ file: KernelModel.File, _ session: Int) throws {
        try confirm(client, session) { kernel throws(FileSystemError) in try kernel.close(file) }
        history.sessions[session].end = index
    }

    private func change(_ operation: WritersOperation) throws {
        switch operation {
        case .save(let client, let name, let tag, let count):
            try changeWhole(client, name, .save, offset: 0, tag: tag, count: count)
        case .append(let client, let name, let tag, let count):
            try changeWhole(client, name, .append, offset: 0, tag: tag, count: count)
        case .patch(let client, let name, let offset, let tag, let count):
            try changeWhole(client, name, .patch, offset: offset, tag: tag, count: count)
        case .truncate(let client, let name, let size):
            let session = begin(client, name, .cut)
            history.step(session, .cut(to: size))
            disturb(client)
            let done = try quietly(client) { kernel throws(FileSystemError) in
                try kernel.change(name) { $0.size = UInt64(size) }
            }
            if !done { history.sessions[session].isTold = true }
            history.sessions[session].end = index
        default: break
        }
    }

    private func flags(_ kind: WritersHistory.Kind) -> OpenFlags {
        OpenFlags(
            read: kind == .patch, write: true, truncate: kind == .save, append: kind == .append)
    }

    /// open, write and close.
    private func changeWhole(
        _ client: Int, _ name: String, _ kind: WritersHistory.Kind, offset: Int, tag: UInt8,
        count: Int
    ) throws {
        let session = begin(client, name, kind)
        disturb(client)
        var file: KernelModel.File?
        _ = try quietly(client) { kernel throws(FileSystemError) in
            file = try kernel.open(name, flags(kind), creates: kind == .save)
        }
        guard let file else {
            history.sessions[session].isTold = true
            history.sessions[session].end = index
            return
        }
        try write(
            client, file, session, offset: offset, isFirst: true, tag: tag, count: count)
        try close(client, file, session)
    }

    // MARK: Open files

    private func useSlot(_ operation: WritersOperation) throws {
        switch operation {
        case .open(let client, let slot, let name, let opening):
            if clients[client].slots[slot] == nil { try open(client, slot, name, opening) }
        case .write(let client, let slot, let tag, let count):
            guard let open = clients[client].slots[slot], let session = open.session,
                history.sessions[session].steps.count < 4
            else { return }
            disturb(client, except: slot)
            let offset = history.sessions[session].steps.reduce(0) { $0 + $1.count }
            try write(
                client, open.file, session, offset: offset,
                isFirst: offset == 0 && !open.isDisturbed, tag: tag, count: count)
        case .read(let client, let slot):
            guard let open = clients[client].slots[slot], open.session == nil else { return }
            var bytes: [UInt8]?
            try quietly(client) { kernel throws(FileSystemError) in
                bytes = try kernel.read(open.file)
            }
            if let bytes { try judge(bytes, client, open.name) }
        case .fsync(let client, let slot):
            guard let open = clients[client].slots[slot], let session = open.session else {
                return
            }
            try confirm(client, session) { kernel throws(FileSystemError) in
                try kernel.fsync(open.file)
            }
        case .close(let client, let slot):
            guard let open = clients[client].slots[slot] else { return }
            clients[client].slots[slot] = nil
            guard let session = open.session else {
                try quietly(client) { kernel throws(FileSystemError) in
                    try kernel.close(open.file)
                }
                return
            }
            try close(client, open.file, session)
        default: break
        }
    }

    private func open(
        _ client: Int, _ slot: Int, _ name: String, _ opening: WritersOperation.Opening
    ) throws {
        var session: Int?
        var flags = OpenFlags(read: true, write: false)
        if opening != .read {
            session = begin(client, name, opening == .save ? .save : .append)
            flags = self.flags(opening == .save ? .save : .append)
            disturb(client)
        }
        var file: KernelModel.File?
        try quietly(client) { kernel throws(FileSystemError) in
            file = try kernel.open(name, flags, creates: opening == .save)
        }
        if let file {
            clients[client].slots[slot] = Slot(file: file, name: name, session: session)
        } else if let session {
            history.sessions[session].isTold = true
            history.sessions[session].end = index
        }
    }

    // MARK: Names and attributes

    private func move(_ operation: WritersOperation) throws {
        switch operation {
        case .rename(let client, let old, let new):
            if old == new { return }
            let done = try quietly(client) { kernel throws(FileSystemError) in
                try kernel.rename(old, new)
            }
            if done { note(client, old, new) }
        case .unlink(let client, let name):
            let done = try quietly(client) { kernel throws(FileSystemError) in
                try kernel.unlink(name)
            }
            if done { note(client, name, nil) }
        case .mode(let client, let name, let permissions):
            let done = try quietly(client) { kernel throws(FileSystemError) in
                try kernel.change(name) { $0.permissions = permissions }
            }
            if done { history.modes.append((client, name, world.now())) }
        case .mark(let client, let name, let tag):
            let done = try quietly(client) { kernel throws(FileSystemError) in
                try kernel.setExtended(name, "user.mark", "\(tag)")
            }
            if done {
                history.marks.append(
                    WritersHistory.Mark(
                        writer: client, name: name, tag: tag, index: index, time: world.now()))
            }
        default: break
        }
    }

    private func note(_ writer: Int, _ old: String, _ new: String?, isCopy: Bool = false) {
        history.moves.append(
            WritersHistory.Move(
                writer: writer, old: old, new: new, isCopy: isCopy, index: index,
                time: world.now()))
    }

    /// The other client.
    private func useBucket(_ operation: WritersOperation) {
        switch operation {
        case .put(let name, let tag, let count):
            guard let key = try? ObjectKey(name) else { return }
            let session = begin(2, name, .put)
            history.step(session, .put, tag: tag, count: count)
            history.sessions[session].acknowledged = [tag]
            history.sessions[session].end = index
            store.plant(Volume.bucket, key, [UInt8](repeating: tag, count: count))
        case .delete(let name):
            guard let key = try? ObjectKey(name) else { return }
            note(2, name, nil)
            store.uproot(Volume.bucket, key)
        case .copy(let old, let new):
            guard old != new, let key = try? ObjectKey(new), let bytes = content(old) else {
                return
            }
            note(2, old, new, isCopy: true)
            store.plant(Volume.bucket, key, bytes)
        default: break
        }
    }

    private func look(_ operation: WritersOperation) throws {
        switch operation {
        case .load(let client, let name):
            let start = world.now()
            var bytes: [UInt8]?
            var isAbsent = false
            do throws(FileSystemError) {
                let kernel = clients[client].kernel
                let file = try kernel.open(name, OpenFlags(read: true, write: false))
                defer { kernel.volume.release((file.inode, file.handle)) }
                bytes = try kernel.read(file)
            } catch {
                isAbsent = error == .notFound
                try allow(error)
            }
            if let bytes { try judge(bytes, client, name) }
            if bytes != nil || isAbsent { try judgeAge(bytes, client, name, start) }
        case .stat(let client, let name):
            try quietly(client) { kernel throws(FileSystemError) in
                _ = try kernel.attributes(name)
            }
        case .list(let client):
            try quietly(client) { kernel throws(FileSystemError) in _ = try kernel.list("") }
        default: break
        }
    }
}
