package import RGWBase
import RGWObject
import RGWSpool

/// copy_file_range: a whole object onto a new, empty file is copied by the server; everything else is the
/// kernel's part, which reads and writes.
extension FileSystem {
    /// What copy_file_range(2) is asked for.
    package struct CopyRange: Sendable {
        package var source: (inode: InodeNumber, handle: HandleID, offset: UInt64)
        package var target: (inode: InodeNumber, handle: HandleID, offset: UInt64)
        package var count: UInt64

        package init(
            source: (inode: InodeNumber, handle: HandleID, offset: UInt64),
            target: (inode: InodeNumber, handle: HandleID, offset: UInt64), count: UInt64
        ) {
            self.source = source
            self.target = target
            self.count = count
        }
    }

    /// Answers notSupported when the server can do nothing better. The bytes are in the bucket when this
    /// has succeeded: until then a change of the source by somebody else could still lose them.
    package func copyRange(_ range: CopyRange, _ reply: consuming Reply<UInt64>) {
        let parked = reply.park()
        let begun = Reply<(ObjectAddress, UInt64)?> { [self] result in
            switch result {
            case .failure(let error): parked.fail(error)
            case .success(nil): parked.fail(.notSupported)
            case .success(.some((let address, let size))):
                awaitCopy(address) { error in
                    if let error { parked.fail(error) } else { parked.succeed(size) }
                }
            }
        }
        perform(begun) { state, moment throws(FileSystemError) in
            if let need = state.attributeNeed(
                range.source.inode, now: moment.now, since: moment.since)
            {
                return .need(need)
            }
            return .done(try state.beginCopy(range, moment))
        }
    }

    private func awaitCopy(
        _ address: ObjectAddress, then done: @escaping @Sendable (FileSystemError?) -> Void
    ) {
        let now = clock.now()
        let waits = withState { state in
            guard state.intents.intents[address] != nil else { return false }
            state.intents.wait(address, SyncWaiter(count: 1, done: done), isPatient: false)
            state.intents.expediteWay(address, now: now)
            return true
        }
        if waits { pump() } else { done(nil) }
    }
}

extension VolumeState {
    /// A smaller file is read and written as quickly as the server copies it.
    private static let copiedBytesMin = ReadCache.blockBytes

    /// Makes the target a copy of the source; nil: it must be read and written.
    fileprivate mutating func beginCopy(
        _ range: FileSystem.CopyRange, _ moment: FileSystem.Moment
    ) throws(FileSystemError) -> (ObjectAddress, UInt64)? {
        guard files[range.source.handle]?.flags.read == true,
            files[range.target.handle]?.flags.write == true,
            let from = inodes[range.source.inode], let to = inodes[range.target.inode]
        else { throw .badHandle }
        if isReadOnly { throw .readOnly }
        if isQuotaFull(moment.now) { throw .quotaExceeded }
        inheritStorage(range, from, to)
        guard range.source.offset == 0, range.target.offset == 0, from.number != to.number,
            let version = copiedVersion(from), range.count >= version.size,
            let target = emptyTarget(to), let source = address(from.number)
        else { return nil }
        let content = CopySource(address: source, version: version)
        guard !intents.reaches(target, source) else { return nil }
        dropData(to.number)
        inodes[to.number]?.content = .remote
        inodes[to.number]?.unflushed = false
        endReplacing(to.number)
        inodes[to.number]?.base = version
        inodes[to.number]?.generation = to.generation.next
        inodes[to.number]?.attributes.size = version.size
        inodes[to.number]?.attributes.mtime = moment.time
        inodes[to.number]?.attributes.ctime = moment.time
        reads.drop(to.number)
        wantCopy(target, of: content, base: nil, inode: to.number, moment)
        return (target, version.size)
    }

    /// A copy is kept as its source is, by whomever it is made: a program that the kernel copies for reads and
    /// writes next.
    private mutating func inheritStorage(
        _ range: FileSystem.CopyRange, _ from: Inode, _ to: Inode
    ) {
        guard range.source.offset == 0, range.target.offset == 0, from.number != to.number,
            emptyTarget(to) != nil
        else { return }
        inodes[to.number]?.metadata.storage = from.metadata.storage
    }

    /// The object that is the whole of a file, if the bucket has that.
    private func copiedVersion(_ inode: Inode) -> BaseVersion? {
        guard inode.attributes.kind == .regular, inode.link != nil, !inode.unflushed,
            let address = address(inode.number), !intents.isPending(address),
            let base = inode.base, base.size == inode.attributes.size, !base.etag.isOfSegments,
            base.size >= Self.copiedBytesMin
        else { return nil }
        return base
    }

    /// The key of a file that was made here, has no bytes and was never in the bucket: nothing there can be
    /// overwritten by the copy, which knows no precondition for its target.
    private func emptyTarget(_ inode: Inode) -> ObjectAddress? {
        guard inode.attributes.kind == .regular, inode.attributes.size == 0, inode.base == nil,
            inode.writesUnderWay == 0, let address = address(inode.number),
            intents.flights[address] == nil, let intent = intents.intents[address],
            intent.record.want == .put, intent.record.base == nil, !intent.inspects
        else { return nil }
        return address
    }
}
