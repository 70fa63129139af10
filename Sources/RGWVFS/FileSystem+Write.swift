package import RGWBase
import RGWObject
import RGWSpool

/// write: into the spool file, without the network and without a lock; when the spool is full the reply
/// waits for uploads.
extension FileSystem {
    package func write(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, bytes: Span<UInt8>,
        _ reply: consuming Reply<Int>
    ) {
        if offset + UInt64(bytes.count) > VolumeConfiguration.fileBytesMax {
            return reply.fail(.tooLarge)
        }
        let request = WriteRequest(
            inode: inode, handle: handle, offset: offset, count: bytes.count)
        switch begin(request) {
        case .failed(let error): reply.fail(error)
        case .ready(let file, let claimed):
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
        switch begin(request) {
        case .failed(let error): reply.fail(error)
        case .ready(let file, let claimed):
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
        wait(reply) { whenOver in
            fetch(need) { [self] error in
                whenOver { [self] in
                    if let error { return reply.fail(error) }
                    workers.submit { [self] in
                        failpoint(.hydrated)
                        resume(request, bytes, reply)
                    }
                }
            }
        }
    }

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
        let ticket: UInt64? = withState { state in
            hasClaims = state.endWrite(request, claimed, written: true)
            let before = state.journal.enqueued
            size = state.inodes.look(request.inode) { $0.attributes.size } ?? 0
            state.noteWrite(request.inode, end: request.end, moment)
            state.noteExtent(request, claimed)
            plans = state.barrier.isUnplanned
            return state.writeTicket(request.inode, before)
        }
        if plans { scheduleBarrier() }
        if hasClaims { endQuiet(request.inode) }
        if ticket == nil, configuration.commitInterval > .zero {
            return reply.succeed(request.count)
        }
        let guarded = Reply<Int> { [self, parked = reply.park(), size] result in
            if case .failure = result {
                withState { state in state.unwrite(request, size: size) }
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
        let waits = withState { state in
            _ = state.endWrite(request, claimed, written: false)
            state.cutBack(request.inode)
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
