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

/// fallocate: reserved space is room in the spool like that of a write, waited for in the same way.
extension FileSystem {
    package func allocate(
        _ inode: InodeNumber, _ handle: HandleID, _ range: Range<UInt64>, _ allocation: Allocation,
        _ caller: Caller, _ reply: consuming Reply<Void>
    ) {
        guard range.upperBound <= VolumeConfiguration.fileBytesMax else {
            return reply.fail(.tooLarge)
        }
        let job = AllocationJob(
            request: WriteRequest(
                inode: inode, handle: handle, offset: range.lowerBound,
                count: allocation.takesSpace ? range.count : 0),
            range: range, allocation: allocation, caller: caller)
        begin(job, reply.park())
    }

    private func begin(_ job: AllocationJob, _ reply: ParkedReply<Void>) {
        let start = decide({ $0?.isFull == true }) { state, reading in
            state.beginAllocation(job, reading)
        }
        switch start {
        case nil: reply.succeed(())
        case .failed(let error): reply.fail(error)
        case .ready(let file, _, _): run(job, file, reply)
        case .needs(let need):
            wait(reply) { whenOver in
                fetch(need) { [self] error in
                    whenOver { [self] in
                        if let error { return reply.fail(error) }
                        lanes.spool.submit { [self] in begin(job, reply) }
                    }
                }
            }
        case .parked:
            park(reply) { [self] in begin(job, reply) }
        }
    }

    private func run(_ job: AllocationJob, _ file: any SpoolFile, _ reply: ParkedReply<Void>) {
        do throws(SpoolError) { try job.apply(to: file) } catch {
            withState { state in _ = state.endWrite(job.request, [], written: false) }
            cutBack(job.request.inode)
            // The spool's filesystem does not do it (EOPNOTSUPP, fallocate(2)): nor does the mount.
            if case .failed(_, 95) = error { return reply.fail(.notSupported) }
            noteSpoolFailure(error, "allocating in a data file")
            return reply.fail(FileSystemError(error))
        }
        perform(Reply { reply.send($0) }) { state, moment throws(FileSystemError) in
            _ = state.endWrite(job.request, [], written: true)
            // The kernel does not say here whether the caller has CAP_FSETID.
            if job.caller.uid != 0 { _ = state.dropPrivileges(job.request.inode, moment) }
            if !state.leavesContent(job) {
                let end = job.allocation.keepsSize ? 0 : job.range.upperBound
                state.noteWrite(job.request.inode, end: end, moment)
            }
            return .done(())
        }
    }
}

/// One fallocate(2) as it goes through the filesystem.
struct AllocationJob: Sendable {
    let request: WriteRequest
    let range: Range<UInt64>
    let allocation: Allocation
    let caller: Caller

    func apply(to file: any SpoolFile) throws(SpoolError) {
        let size = try file.size()
        let inside = range.clamped(to: 0..<max(size, range.lowerBound))
        switch allocation {
        case .reserve(let keepsSize): try file.allocate(range, keepSize: keepsSize)
        case .punchHole: if !inside.isEmpty { try file.punchHole(inside) }
        case .zero(let keepsSize):
            // The room first: without it the bytes stay.
            try file.allocate(range, keepSize: keepsSize)
            guard !inside.isEmpty else { return }
            try file.punchHole(inside)
            do throws(SpoolError) { try file.allocate(range, keepSize: keepsSize) } catch {
                // The hole gave its room back and somebody took it: zeros are what was asked for.
            }
        }
    }
}

extension VolumeState {
    /// nil: nothing to do.
    fileprivate mutating func beginAllocation(
        _ job: AllocationJob, _ reading: SpoolSpace.Reading
    ) -> WriteRequest.Start? {
        let request = job.request
        guard files[request.handle]?.flags.write == true, let known = inodes[request.inode] else {
            return .failed(.badHandle)
        }
        // An object needs no room in the spool until it is changed.
        if known.spoolFile == nil, leavesContent(job), !isReadOnly { return nil }
        // What is missing of it must not replace the zeros later.
        if known.partial != nil { return .needs(.whole(request.inode)) }
        if UInt64(request.count) > space.fileMax { return .failed(.spoolFull) }
        return beginWrite(request, reading)
    }

    fileprivate func leavesContent(_ job: AllocationJob) -> Bool {
        let size = inodes[job.request.inode]?.attributes.size ?? 0
        return job.allocation.leavesContent(of: size, job.range)
    }
}

extension Allocation {
    var keepsSize: Bool {
        switch self {
        case .reserve(let keepsSize), .zero(let keepsSize): keepsSize
        case .punchHole: true
        }
    }

    var takesSpace: Bool {
        if case .punchHole = self { false } else { true }
    }

    /// Nothing that a reader could see changes.
    func leavesContent(of size: UInt64, _ range: Range<UInt64>) -> Bool {
        let grows = !keepsSize && range.upperBound > size
        if case .reserve = self { return !grows }
        return !grows && range.lowerBound >= size
    }
}
