package import RGWBase
import RGWObject
import RGWSpool

/// What fallocate(2) is asked to do with a range.
package enum Allocation: Sendable {
    /// Reserve space in the spool; the size grows unless it is to be kept.
    case reserve(keepsSize: Bool)
    /// PUNCH_HOLE, always with KEEP_SIZE: the range reads as zeros, its space is given back.
    case punchHole
    /// ZERO_RANGE: the range reads as zeros, its space is reserved.
    case zero(keepsSize: Bool)
}

/// fallocate.
extension FileSystem {
    package func allocate(
        _ inode: InodeNumber, _ handle: HandleID, _ range: Range<UInt64>, _ allocation: Allocation,
        _ caller: Caller, _ reply: consuming Reply<Void>
    ) {
        guard range.upperBound <= VolumeConfiguration.fileBytesMax else {
            return reply.fail(.tooLarge)
        }
        let parked = reply.park()
        let ready = Reply<(any SpoolFile)?> { [self] result in
            switch result {
            case .failure(let error): parked.fail(error)
            case .success(nil): parked.succeed(())
            case .success(.some(let file)):
                workers.submit { [self] in
                    do throws(SpoolError) {
                        try Self.allocate(file, range, allocation)
                    } catch { return parked.fail(FileSystemError(error)) }
                    allocated(inode, range, allocation, caller, parked)
                }
            }
        }
        perform(ready) { state, moment throws(FileSystemError) in
            guard state.files[handle]?.flags.write == true, let known = state.inodes[inode] else {
                throw .badHandle
            }
            if state.isQuotaFull(moment.now) { throw .quotaExceeded }
            if let file = known.spoolFile { return .done(file) }
            // An object needs no room in the spool until it is changed.
            if allocation.leavesContent(of: known.attributes.size, range) { return .done(nil) }
            return .need(.hydrate(inode, length: known.base?.size ?? 0))
        }
    }

    private static func allocate(
        _ file: any SpoolFile, _ range: Range<UInt64>, _ allocation: Allocation
    ) throws(SpoolError) {
        let size = try file.size()
        let inside = range.clamped(to: 0..<max(size, range.lowerBound))
        switch allocation {
        case .reserve(let keepsSize): try file.allocate(range, keepSize: keepsSize)
        case .punchHole: if !inside.isEmpty { try file.punchHole(inside) }
        case .zero(let keepsSize):
            if !inside.isEmpty { try file.punchHole(inside) }
            try file.allocate(range, keepSize: keepsSize)
        }
    }

    private func allocated(
        _ inode: InodeNumber, _ range: Range<UInt64>, _ allocation: Allocation, _ caller: Caller,
        _ reply: ParkedReply<Void>
    ) {
        perform(Reply { reply.send($0) }) { state, moment throws(FileSystemError) in
            guard let known = state.inodes[inode] else { throw .stale }
            // The kernel does not say here whether the caller has CAP_FSETID.
            if caller.uid != 0 { _ = state.dropPrivileges(inode, moment) }
            if allocation.leavesContent(of: known.attributes.size, range) { return .done(()) }
            state.noteWrite(inode, end: allocation.keepsSize ? 0 : range.upperBound, moment)
            return .done(())
        }
    }
}

extension Allocation {
    var keepsSize: Bool {
        switch self {
        case .reserve(let keepsSize), .zero(let keepsSize): keepsSize
        case .punchHole: true
        }
    }

    /// Nothing that a reader could see changes.
    func leavesContent(of size: UInt64, _ range: Range<UInt64>) -> Bool {
        let grows = !keepsSize && range.upperBound > size
        if case .reserve = self { return !grows }
        return !grows && range.lowerBound >= size
    }
}
