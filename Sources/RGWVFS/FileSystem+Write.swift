package import RGWBase
import RGWObject
import RGWSpool

/// write: into the spool file, without the network and without a lock; when the spool is full the reply
/// waits for uploads.
extension FileSystem {
    package func write(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, bytes: Span<UInt8>,
        _ origin: WriteOrigin, _ reply: consuming Reply<Int>
    ) {
        let (end, isTooFar) = offset.addingReportingOverflow(UInt64(bytes.count))
        if isTooFar || end > VolumeConfiguration.fileBytesMax { return reply.fail(.tooLarge) }
        var request = WriteRequest(
            inode: inode, handle: handle, offset: offset, count: bytes.count, origin: origin)
        switch begin(request) {
        case .failed(let error): reply.fail(error)
        case .ready(let file, let offset, let claimed):
            request.offset = offset
            do throws(SpoolError) { try file.write(bytes, at: offset) } catch {
                return failed(request, claimed, error, Self.copy(bytes), reply.park())
            }
            failpoint(.dataWritten)
            wrote(request, claimed, reply)
        case .needs(let need): supply(need, request, Self.copy(bytes), reply.park())
        case .parked: park(request, Self.copy(bytes), reply.park())
        }
    }

    private static func copy(_ bytes: Span<UInt8>) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        for index in bytes.indices { kept.append(bytes[index]) }
        return kept
    }

    private func begin(_ request: WriteRequest) -> WriteRequest.Start {
        decide(\.isFull) { state, reading in state.beginWrite(request, reading) }
    }

    /// The same again, with bytes that outlive the call.
    private func resume(_ request: WriteRequest, _ bytes: [UInt8], _ reply: ParkedReply<Int>) {
        var request = request
        switch begin(request) {
        case .failed(let error): reply.fail(error)
        case .ready(let file, let offset, let claimed):
            request.offset = offset
            do throws(SpoolError) { try file.write(bytes.span, at: request.offset) } catch {
                return failed(request, claimed, error, bytes, reply)
            }
            failpoint(.dataWritten)
            wrote(request, claimed, Reply { reply.send($0) })
        case .needs(let need): supply(need, request, bytes, reply)
        case .parked: park(request, bytes, reply)
        }
    }

    private func supply(
        _ need: Need, _ request: WriteRequest, _ bytes: [UInt8], _ reply: ParkedReply<Int>
    ) {
        var request = request
        if case .rebase = need { request.rebases += 1 }
        wait(reply) { [request] whenOver in
            fetch(need) { [self] error in
                whenOver { [self] in
                    if error == .stale, rebases(request, after: need) {
                        return supply(.rebase(request.inode), request, bytes, reply)
                    }
                    if let error { return reply.fail(error) }
                    lanes.spool.submit { [self] in
                        failpoint(.hydrated)
                        resume(request, bytes, reply)
                    }
                }
            }
        }
    }

    /// An append is about the version that is there; any other write is about the one that was opened.
    private func rebases(_ request: WriteRequest, after need: Need) -> Bool {
        if case .rebase = need { return false }
        return request.rebases < Self.rebasesMax
            && withState { state in state.isAppend(request) && !state.isTaken(request.inode) }
    }

    /// How often an append may find that the object was replaced once more.
    private static let rebasesMax = 8

    private func park(_ request: WriteRequest, _ bytes: [UInt8], _ reply: ParkedReply<Int>) {
        park(reply) { [self] in resume(request, bytes, reply) }
    }

    private func wrote(
        _ request: WriteRequest, _ claimed: [Range<UInt64>], _ reply: consuming Reply<Int>
    ) {
        var size: UInt64 = 0
        var plans = false
        var hasClaims = false
        let moment = moment()
        var isTaken = false
        let ticket: UInt64? = withState { state in
            hasClaims = state.endWrite(request, claimed, written: true)
            let before = state.journal.enqueued
            size = state.inodes.look(request.inode) { $0.attributes.size } ?? 0
            state.noteWrite(request.inode, end: request.end, moment)
            state.noteExtent(request, claimed)
            state.notePages(request)
            // The name went while the bytes came: they would be nobody's.
            isTaken = state.isTaken(request.inode)
            plans = state.barrier.isUnplanned
            return state.writeTicket(request.inode, before)
        }
        if plans { scheduleBarrier() }
        if hasClaims { endQuiet(request.inode) }
        if isTaken { return reply.fail(.stale) }
        if ticket == nil, configuration.commitInterval > .zero {
            return reply.succeed(request.count)
        }
        let guarded = Reply<Int> { [self, parked = reply.park(), size] result in
            if case .failure = result {
                let isLonger = withState { state in state.unwrite(request, size: size) }
                if isLonger { cutBack(request.inode) }
            }
            parked.send(result)
        }
        commit(ticket ?? 0, reply: guarded.park(), .success(request.count))
    }

    /// Only this call fails; a full disk is waited for as long as uploads make room.
    private func failed(
        _ request: WriteRequest, _ claimed: [Range<UInt64>], _ error: SpoolError, _ bytes: [UInt8],
        _ reply: ParkedReply<Int>
    ) {
        let reading = spaceReading()
        defer { cutBack(request.inode) }
        let waits = withState { state in
            _ = state.endWrite(request, claimed, written: false)
            guard error == .full else { return false }
            state.relieve(reading.now)
            if case .wait = state.shortage(reading) { return true }
            return false
        }
        if !claimed.isEmpty { endQuiet(request.inode) }
        if waits { return park(request, bytes, reply) }
        noteSpoolFailure(error, "writing a data file")
        reply.fail(FileSystemError(error))
    }

    /// Who waits until nothing changes what is missing of a file may go on.
    func endQuiet(_ inode: InodeNumber) {
        let isQuiet = withState { state in state.inodes[inode]?.partial?.isQuiet ?? true }
        if isQuiet { finish(.quiet(inode), nil) }
    }
}
