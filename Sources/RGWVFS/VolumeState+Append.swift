import RGWBase
import RGWObject
import RGWSpool

/// How much later a file ends than the kernel believes, since another client wrote a newer version. Two's complement:
/// the newer one may be the shorter one.
struct AppendShift: Sendable {
    var bytes: UInt64 = 0
    /// The same, had the kernel not taken the last size that it was answered: it drops an answer that a notice of the
    /// change overtook. Source: linux fs/fuse/inode.c, fuse_change_attributes and fuse_reverse_inval_inode
    /// (attr_version).
    var untaken: UInt64?

    mutating func move(by change: UInt64) {
        bytes &+= change
        untaken = untaken.map { $0 &+ change }
    }

    /// The kernel is answered the size as it is now.
    mutating func tell() {
        guard bytes != 0 else { return }
        (bytes, untaken) = (0, bytes)
    }
}

/// O_APPEND in a file that another client has replaced since the kernel heard of its size. The kernel says where an
/// append goes; a version that came since ends elsewhere.
extension VolumeState {
    func isAppend(_ request: WriteRequest) -> Bool {
        request.origin.contains(.append) && !request.origin.contains(.pages)
    }

    /// Where a write goes; nil: beyond the longest file. An append that the kernel puts at the end of an older
    /// version goes as far beyond the end of the one that is there. It goes where the kernel says again once that
    /// knows the end.
    mutating func place(_ request: WriteRequest) -> UInt64? {
        guard isAppend(request), let known = inodes[request.inode], var shift = known.appendShift
        else { return request.offset }
        let size = known.attributes.size
        if let untaken = shift.untaken, request.offset != size, request.offset &+ untaken == size {
            shift = AppendShift(bytes: untaken)
            inodes[request.inode]?.appendShift = shift
        }
        if request.offset == size || shift.bytes == 0 {
            inodes[request.inode]?.appendShift = nil
            return request.offset
        }
        let offset = request.offset &+ shift.bytes
        let (end, isTooFar) = offset.addingReportingOverflow(UInt64(request.count))
        return isTooFar || end > VolumeConfiguration.fileBytesMax ? nil : offset
    }

    /// The kernel's pages do not hold what was just written, or hold it elsewhere.
    mutating func notePages(_ request: WriteRequest) {
        let isShifted =
            isAppend(request)
            && inodes.look(request.inode, { $0.appendShift?.bytes ?? 0 }) ?? 0 != 0
        let isDirect = request.origin.contains(.direct) && !request.origin.contains(.pages)
        guard isShifted || isDirect else { return }
        inodes[request.inode]?.kernelVersion = nil
        // Nobody else has it open: there are no pages that anybody reads.
        if isShifted || inodes.look(request.inode, { $0.opens }) ?? 0 > 1 {
            noteContent(request.inode)
        }
    }

    /// Another client's version of `known` has `size` bytes: the kernel believes the older end until it has taken
    /// the newer one.
    mutating func noteForeignSize(_ known: Inode, _ size: UInt64) {
        guard known.lookups > 0, size != known.attributes.size else { return }
        var shift = known.appendShift ?? AppendShift()
        shift.move(by: size &- known.attributes.size)
        inodes[known.number]?.appendShift = shift
    }

    /// The version that is there takes the place of the one that was opened, in which nothing was changed here.
    /// False: there is something, or it has gone elsewhere.
    mutating func rebase(
        _ inode: InodeNumber, _ head: ObjectHead, at address: ObjectAddress
    ) -> Bool {
        endSettled(inode, by: head.etag)
        guard let known = inodes[inode], known.dataID == nil, let old = known.base,
            self.address(inode) == address, !intents.isPending(address),
            intents.flights[address] == nil, known.attributes.kind == .regular
        else { return false }
        let attributes = PosixMetadata.attributes(of: head, isMarker: false, defaults: defaults)
        guard attributes.kind == .regular else { return false }
        if old.isSameVersion(as: BaseVersion(head)) { return true }
        inodes[inode]?.foreignVersion += 1
        reads.drop(inode)
        inodes[inode]?.base = BaseVersion(head)
        inodes[inode]?.attributes = attributes
        inodes[inode]?.metadata = head.metadata
        inodes[inode]?.attributesKnown = true
        noteForeignSize(known, attributes.size)
        noteContent(inode)
        return true
    }
}

extension FileSystem {
    /// Looks at the object for an append, whoever has the file open.
    func rebase(_ need: Need, _ inode: InodeNumber) {
        let startedAt = clock.now()
        let address = withState { state in state.location(inode) }
        guard let address else { return finish(need, .stale) }
        store.head(address) { [self] result in
            switch result {
            case .success(let head):
                finish(need, nil) { state in
                    if state.rebase(inode, head, at: address) {
                        state.inodes[inode]?.checkedAt = startedAt
                    }
                }
            case .failure(let error) where error.kind == .noSuchKey:
                finish(need, .stale)
            case .failure(let error): finish(need, FileSystemError(error))
            }
        }
    }
}
