import CRGWFuse
import Glibc
import RGWBase
import RGWVFS

/// The right and the duty to answer one FUSE request, once. It cannot be copied, every method that
/// answers consumes it, and dropping it traps: the caller would hang for ever otherwise.
///
/// May be used on any thread: an answer is one write to the device. Answering frees the request.
/// Source: libfuse 3.14 fuse_lowlevel.h, "Most of these functions ... may be called from any
/// thread".
// SAFETY, all of them: the request is libfuse's and valid until it is answered, and only this value
// answers it.
@safe struct FuseReply: ~Copyable {
    private let request: fuse_req_t
    private let operation: FuseOperation

    init(_ request: fuse_req_t, _ operation: FuseOperation) {
        unsafe self.request = unsafe request
        self.operation = operation
    }

    deinit { Self.dropped() }

    private static func dropped() {
        preconditionFailure("a FUSE request was dropped without an answer")
    }

    /// The request, with the duty to answer it.
    private consuming func take() -> fuse_req_t {
        let request = unsafe request
        discard self
        return unsafe request
    }

    /// Carries a request through an escaping closure, which cannot hold a value that cannot be
    /// copied.
    // SAFETY: libfuse requests have no thread affinity; the closure runs once because `Reply` does.
    @safe private struct Parked: @unchecked Sendable {
        let request: fuse_req_t
    }

    /// The filesystem's view of this duty: `send` runs, once, with the successful answer.
    consuming func promise<Value>(
        _ context: FuseContext,
        _ send: @escaping @Sendable (consuming FuseReply, Value, FuseContext) -> Void
    ) -> Reply<Value> {
        let operation = operation
        let started = context.meter.now()
        // SAFETY: the request moves into the closure, and out of it when that runs.
        let parked = unsafe Parked(request: take())
        let interruption = Interruption { unsafe Self.listen($0, parked.request) }
        return Reply(interruption: interruption) { result in
            unsafe Self.endListening(interruption, parked.request)
            let reply = unsafe FuseReply(parked.request, operation)
            switch result {
            case .success(let value):
                send(reply, value, context)
                context.meter.note(operation, since: started)
            case .failure(let error):
                reply.fail(error)
                context.meter.note(operation, since: started, failed: error)
            }
        }
    }

    /// From now on libfuse tells when a signal meets the request. Most programs do not expect EINTR
    /// from files, so only whoever is being killed is let go.
    // SAFETY: the interruption lives as long as the promise, which ends this before it answers;
    // libfuse then waits for a callback that runs.
    private static func listen(_ interruption: Interruption, _ request: fuse_req_t) {
        let data = unsafe Unmanaged.passUnretained(interruption).toOpaque()
        unsafe fuse_req_interrupt_func(
            request,
            { request, data in
                guard let data = unsafe data, let caller = unsafe fuse_req_ctx(request),
                    unsafe CRGWFuse_is_dying(caller.pointee.pid) != 0
                else { return }
                unsafe Unmanaged<Interruption>.fromOpaque(data)._withUnsafeGuaranteedRef {
                    $0.request()
                }
            }, data)
    }

    // SAFETY: the request is not answered yet.
    private static func endListening(_ interruption: Interruption, _ request: fuse_req_t) {
        if interruption.hasWaited { unsafe fuse_req_interrupt_func(request, nil, nil) }
    }
}

// Each returns whether the kernel took the answer: it does not when the request was interrupted or
// the filesystem unmounted meanwhile (ENOENT). Source: libfuse doc/README.fuse_reply_errors.
// SAFETY, all of them: `take` yields the request once and libfuse copies what it is pointed to.
extension FuseReply {
    consuming func fail(_ error: FileSystemError) { fail(errno: error.errno) }

    consuming func fail(errno: Int32) { _ = unsafe fuse_reply_err(take(), errno) }

    consuming func done() { _ = unsafe fuse_reply_err(take(), 0) }

    /// For forget, which gets no answer.
    consuming func none() { unsafe fuse_reply_none(take()) }

    consuming func entry(_ answer: EntryAnswer) -> Bool {
        var parameters = fuse_entry_param(answer)
        return unsafe fuse_reply_entry(take(), &parameters) == 0
    }

    consuming func attributes(_ answer: AttributeAnswer) {
        var attributes = stat(
            answer.inode, answer.attributes, isRemoved: answer.isRemoved)
        _ = unsafe fuse_reply_attr(take(), &attributes, answer.timeout.asTimeout)
    }

    consuming func open(_ answer: OpenAnswer) -> Bool {
        var info = fuse_file_info(answer)
        return unsafe fuse_reply_open(take(), &info) == 0
    }

    consuming func create(_ answer: CreateAnswer) -> Bool {
        var parameters = fuse_entry_param(answer.entry)
        var info = fuse_file_info(answer.open)
        return unsafe fuse_reply_create(take(), &parameters, &info) == 0
    }

    consuming func written(_ count: Int) { _ = unsafe fuse_reply_write(take(), count) }

    consuming func position(_ offset: UInt64) {
        _ = unsafe fuse_reply_lseek(take(), off_t(clamping: offset))
    }

    consuming func statistics(_ answer: VolumeStatistics) {
        var statistics = statvfs(answer)
        _ = unsafe fuse_reply_statfs(take(), &statistics)
    }

    consuming func bytes(_ bytes: [UInt8]) {
        let request = unsafe take()
        unsafe bytes.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            _ = unsafe fuse_reply_buf(request, start, bytes.count)
        }
    }

    consuming func buffer(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        return unsafe fuse_reply_buf(take(), start, bytes.count) == 0
    }

    consuming func vector(_ vector: UnsafeBufferPointer<iovec>) {
        _ = unsafe fuse_reply_iov(take(), vector.baseAddress, Int32(vector.count))
    }

    /// The size protocol of getxattr and listxattr: 0 asks for the length, too small is ERANGE.
    /// Source: fuse_lowlevel.h, getxattr.
    consuming func attribute(_ value: [UInt8], room: Int) {
        if room == 0 {
            _ = unsafe fuse_reply_xattr(take(), value.count)
        } else if value.count > room {
            fail(.bufferTooSmall)
        } else {
            bytes(value)
        }
    }
}

extension fuse_file_info {
    init(_ answer: OpenAnswer) {
        self.init()
        fh = answer.handle.value
        keep_cache = answer.keepCache ? 1 : 0
    }
}
