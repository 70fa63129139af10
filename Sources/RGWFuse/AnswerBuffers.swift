import Synchronization

/// Buffers for answers that are put together first: content of files, directory entries. A few are
/// kept, so that a read does not pay for fresh zeroed pages each time, which costs as much as the
/// copy itself.
///
/// Guarded by `spare`. Bounded: at most `spareMax` are kept; more exist only while answers use
/// them.
final class AnswerBuffers: Sendable {
    static let bytes = FuseConnection.requestBytesMax
    private static let spareMax = 4

    /// One buffer; whoever has the value has the memory.
    // SAFETY: memory is reached by one thread at a time, because a buffer is either in `spare` or
    // with one caller of `withBuffer`.
    @safe private struct Buffer: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
    }

    private let spare = Mutex<[Buffer]>([])

    /// Lends a buffer of `bytes` bytes of unspecified content.
    func withBuffer(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        // SAFETY: allocated here or taken from `spare`, returned or freed below, exactly once.
        let buffer =
            unsafe spare.withLock { $0.popLast() }
            ?? Buffer(memory: .allocate(byteCount: Self.bytes, alignment: 4096))
        unsafe body(buffer.memory)
        let kept = spare.withLock { spare in
            if spare.count >= Self.spareMax { return false }
            spare.append(buffer)
            return true
        }
        if !kept { unsafe buffer.memory.deallocate() }
    }

    deinit {
        // SAFETY: nobody borrows a buffer of an object that is going away.
        spare.withLock { spare in
            for buffer in spare { unsafe buffer.memory.deallocate() }
            spare.removeAll()
        }
    }
}
