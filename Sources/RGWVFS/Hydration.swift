import RGWBase
import RGWObject
import RGWSpool

/// Brings a clean file's bytes into a spool file before its first partial change.
extension FileSystem {
    private static let blockBytes = 1 << 20

    func hydrate(_ need: Need, _ inode: InodeNumber, length: UInt64) {
        let isPartial = withState { state in state.inodes[inode]?.partial != nil }
        if isPartial { return fetch(.whole(inode)) { [self] in finish(need, $0) } }
        let known = withState { state -> (ObjectAddress?, BaseVersion?)? in
            guard let known = state.inodes[inode], known.dataID == nil else { return nil }
            return (state.location(inode), known.base)
        }
        guard let (address, base) = known else { return finish(need, nil) }
        withNewData(
            parking: { [self] in park($0) }, failed: { [self] in finish(need, $0) }
        ) { [self] id, file in
            hydrate(need, inode, (id, file), from: address, base, length: length)
        }
    }

    private func hydrate(
        _ need: Need, _ inode: InodeNumber, _ data: (DataID, any SpoolFile),
        from address: ObjectAddress?, _ base: BaseVersion?, length: UInt64
    ) {
        guard let address, let base, min(length, base.size) > 0 else {
            return adopt(need, inode, data, base: base, length: length)
        }
        let writer = BlockSink(from: 0, lanes.spool, blockRoom) { [file = data.1] offset, block in
            do throws(SpoolError) { try file.write(block.span, at: offset) } catch { return error }
            return nil
        }
        let wanted = 0..<min(length, base.size)
        store.get(
            address, range: wanted, matching: base.etag, expecting: ExpectedObject(size: base.size),
            lane: .bulk, blockSize: Self.blockBytes, onBlock: { writer.take($0) }
        ) { [self] result in
            writer.whenWritten { [self] in
                hydrated(need, inode, data, from: address, base, wanted.upperBound, writer, result)
            }
        }
    }

    private func hydrated(
        _ need: Need, _ inode: InodeNumber, _ data: (DataID, any SpoolFile),
        from address: ObjectAddress, _ base: BaseVersion, _ length: UInt64, _ writer: BlockSink,
        _ result: Result<ObjectHead, ObjectStoreError>
    ) {
        switch (result, writer.error) {
        case (.success, nil) where writer.end == length:
            adopt(need, inode, data, base: base, length: length)
        // Rule: neither zeros nor a part of the object ever replace it.
        case (.success, nil): abandon(need, data, incomplete(address))
        case (.success, .some(let error)): abandon(need, data, FileSystemError(error))
        case (.failure(let error), _):
            let isReplaced = error.kind == .preconditionFailed || error.kind == .noSuchKey
            let isElsewhere = withState { state in
                let isElsewhere = state.location(inode) != address
                if isReplaced, !isElsewhere {
                    state.inodes[inode]?.distrust()
                    state.noteAttributes(inode)
                }
                return isElsewhere
            }
            // Renamed meanwhile: whoever waited decides again.
            if isElsewhere { return abandon(need, data, nil) }
            if isReplaced { return abandon(need, data, .stale) }
            noteReadFailure(address, error, isContent: true)
            abandon(need, data, FileSystemError(error))
        }
    }

    /// Without network.
    func renew(_ need: Need, _ inode: InodeNumber) {
        withNewData(
            parking: { [self] in park($0) }, failed: { [self] in finish(need, $0) }
        ) { [self] id, file in
            let moment = moment()
            finish(need, nil) { state in
                if !state.replaceData(inode, (id, file), moment) { state.discard(id) }
            }
            commitInBackground()
        }
    }

    private func adopt(
        _ need: Need, _ inode: InodeNumber, _ data: (DataID, any SpoolFile), base: BaseVersion?,
        length: UInt64
    ) {
        let moment = moment()
        finish(need, nil) { state in
            guard let known = state.inodes[inode], known.dataID == nil,
                known.base?.etag == base?.etag, known.base?.size == base?.size
            else {
                // Changed meanwhile: whoever waited decides again.
                state.discard(data.0)
                return
            }
            state.inodes[inode]?.content = .spool(data.0, data.1)
            // Another data file than the one that may have been synced.
            state.inodes[inode]?.forgetSeal()
            state.inodes[inode]?.isBroken = false
            // Without a name the bytes live as long as the descriptor.
            guard state.address(inode) != nil else {
                if length < known.attributes.size {
                    state.noteTruncation(inode, to: length, moment)
                }
                state.discard(data.0)
                return
            }
            // Less than the whole file is asked for only to cut it: at once, so that nobody takes
            // the part for the whole.
            if length < known.attributes.size {
                state.noteTruncation(inode, to: length, moment)
            } else {
                state.saveNode(inode)
            }
        }
        commitInBackground()
    }

    private func abandon(
        _ need: Need, _ data: (DataID, any SpoolFile), _ error: FileSystemError?
    ) {
        finish(need, error) { state in state.discard(data.0) }
        commitInBackground()
    }
}
