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
        case .ready(let file):
            do throws(SpoolError) { try file.write(bytes, at: offset) } catch {
                return failed(request, error, Self.copy(bytes), reply.park())
            }
            failpoint(.dataWritten)
            wrote(request, reply)
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
        let reading = spaceReading()
        return withState { state in state.beginWrite(request, reading) }
    }

    /// The same again, with bytes that outlive the call.
    private func resume(_ request: WriteRequest, _ bytes: [UInt8], _ reply: ParkedReply<Int>) {
        switch begin(request) {
        case .failed(let error): reply.fail(error)
        case .ready(let file):
            do throws(SpoolError) { try file.write(bytes.span, at: request.offset) } catch {
                return failed(request, error, bytes, reply)
            }
            failpoint(.dataWritten)
            wrote(request, Reply { reply.send($0) })
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
        wait(reply) { whenOver in
            withState { state in
                state.space.parked.append { [self] in
                    whenOver { [self] in resume(request, bytes, reply) }
                }
            }
            watchParked()
            pump()
        }
    }

    private func wrote(_ request: WriteRequest, _ reply: consuming Reply<Int>) {
        let parked: ParkedReply<Int>
        let moment = Moment(now: clock.now(), since: clock.now(), time: clock.wallTime())
        let ticket: UInt64? = withState { state in
            state.endWrite(request)
            let before = state.journal.enqueued
            state.noteWrite(request.inode, end: request.end, moment)
            return state.journal.enqueued != before ? state.journal.enqueued : nil
        }
        guard let ticket else { return reply.succeed(request.count) }
        parked = reply.park()
        commit(ticket) { error in
            if let error {
                parked.fail(FileSystemError(error))
            } else {
                parked.succeed(request.count)
            }
        }
    }

    /// Only this call fails; a full disk is waited for as long as uploads make room.
    private func failed(
        _ request: WriteRequest, _ error: SpoolError, _ bytes: [UInt8], _ reply: ParkedReply<Int>
    ) {
        let reading = spaceReading()
        let waits = withState { state in
            state.endWrite(request)
            state.cutBack(request.inode)
            guard error == .full else { return false }
            state.relieve(reading.now)
            if case .wait = state.shortage(reading) { return true }
            return false
        }
        if waits { return park(request, bytes, reply) }
        noteSpoolFailure(error, "writing a data file")
        reply.fail(FileSystemError(error))
    }
}
