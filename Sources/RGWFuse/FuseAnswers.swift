import CRGWFuse
import Glibc
import RGWBase
import RGWObject
import RGWSpool
import RGWVFS

/// The way back: how each successful answer is sent, and what must be given back to the filesystem
/// when the kernel no longer wants it.
enum FuseAnswers {
    static func done(_ reply: consuming FuseReply, _: Void, _: FuseContext) { reply.done() }

    static func attributes(
        _ reply: consuming FuseReply, _ answer: AttributeAnswer, _: FuseContext
    ) {
        reply.attributes(answer)
    }

    static func target(_ reply: consuming FuseReply, _ target: [UInt8], _: FuseContext) {
        reply.bytes(target)
    }

    static func written(_ reply: consuming FuseReply, _ count: Int, _: FuseContext) {
        reply.written(count)
    }

    static func position(_ reply: consuming FuseReply, _ offset: UInt64, _: FuseContext) {
        reply.position(offset)
    }

    static func statistics(
        _ reply: consuming FuseReply, _ answer: VolumeStatistics, _: FuseContext
    ) {
        reply.statistics(answer)
    }

    /// Rule: an entry the kernel did not take was not looked up. Source: README.fuse_reply_errors.
    static func entry(
        _ reply: consuming FuseReply, _ answer: EntryAnswer, _ context: FuseContext
    ) {
        if !reply.entry(answer) { context.fileSystem.forget(answer.inode, count: 1) }
    }

    /// Rule: an open the kernel did not take will not be released by it. Source: as above.
    static func open(
        _ reply: consuming FuseReply, _ answer: OpenAnswer, _ context: FuseContext,
        _ inode: InodeNumber
    ) {
        if !reply.open(answer) { context.fileSystem.release(inode, answer.handle, Reply { _ in }) }
    }

    static func opendir(
        _ reply: consuming FuseReply, _ answer: OpenAnswer, _ context: FuseContext,
        _ inode: InodeNumber
    ) {
        if !reply.open(answer) {
            context.fileSystem.releasedir(inode, answer.handle, Reply { _ in })
        }
    }

    static func create(
        _ reply: consuming FuseReply, _ answer: CreateAnswer, _ context: FuseContext
    ) {
        if reply.create(answer) { return }
        let inode = answer.entry.inode
        context.fileSystem.release(inode, answer.open.handle, Reply { _ in })
        context.fileSystem.forget(inode, count: 1)
    }

    static func read(
        _ reply: consuming FuseReply, _ answer: ReadAnswer, _ context: FuseContext
    ) {
        switch answer {
        case .bytes(let slices):
            send(reply, slices, context)
        case .file(let file, let offset, let count):
            send(reply, file, offset: offset, count: count, context)
        }
    }
}

// Bytes of read answers.
extension FuseAnswers {
    /// More pieces are copied together first: one system call takes 1024, and each piece is a
    /// stack frame.
    private static let piecesMax = 64

    private static func send(
        _ reply: consuming FuseReply, _ slices: [ArraySlice<UInt8>], _ context: FuseContext
    ) {
        if slices.count > piecesMax { return reply.bytes(slices.flatMap { $0 }) }
        var pending: FuseReply? = consume reply
        // SAFETY: the vector is this call's own.
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: piecesMax) { vector in
            unsafe withPieces(slices[...], vector, 0) { pieces in
                unsafe pending.take()?.vector(pieces)
            }
        }
    }

    /// Collects where `slices` are in memory; each is kept in place by the frame that looks at it.
    private static func withPieces(
        _ slices: ArraySlice<ArraySlice<UInt8>>, _ vector: UnsafeMutableBufferPointer<iovec>,
        _ count: Int, _ body: (UnsafeBufferPointer<iovec>) -> Void
    ) {
        // SAFETY: `vector` has room for every piece, and what reads through it does not write.
        guard let first = slices.first else {
            return unsafe body(UnsafeBufferPointer(rebasing: vector[..<count]))
        }
        unsafe first.withUnsafeBytes { bytes in
            let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            unsafe vector.initializeElement(
                at: count, to: iovec(iov_base: base, iov_len: bytes.count))
            unsafe withPieces(slices.dropFirst(), vector, count + 1, body)
        }
    }

    /// Copies once, from the file into a buffer that libfuse writes to the device.
    private static func send(
        _ reply: consuming FuseReply, _ file: any SpoolFile, offset: UInt64, count: Int,
        _ context: FuseContext
    ) {
        var pending: FuseReply? = consume reply
        // The kernel does not ask for more than a buffer holds, so nothing is cut short here.
        let count = min(count, AnswerBuffers.bytes)
        // SAFETY: the buffer is ours during the closure and the file is kept open by `file`.
        unsafe context.buffers.withBuffer { buffer in
            guard let reply = pending.take() else { return }
            guard let base = buffer.baseAddress else { return reply.fail(.inputOutput) }
            let got = withExtendedLifetime(file) {
                unsafe CRGWFuse_read(file.descriptor, base, count, offset)
            }
            if got < 0 { return reply.fail(.inputOutput) }
            _ = unsafe reply.buffer(UnsafeRawBufferPointer(start: base, count: Int(got)))
        }
    }
}
