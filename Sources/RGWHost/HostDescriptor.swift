import CRGWHost

/// An open file or directory. Owns the descriptor: it is closed when the value dies.
///
/// Calls may run on several threads at once, as far as the kernel allows it.
package struct HostDescriptor: ~Copyable, Sendable {
    package let number: Int32
    /// For error messages only: the file may have moved since.
    package let path: String

    /// Source: open(2).
    package init(
        _ path: String, _ flags: HostOpenFlags = [], mode: UInt32 = 0o600
    )
        throws(HostError)
    {
        // SAFETY: the path is a NUL-terminated copy that lives for the call.
        let opened = unsafe CRGWHost_open(path, flags.rawValue, mode)
        self.init(adopting: try checked(opened, "open", path), path: path)
    }

    /// Takes over a descriptor that nobody else closes.
    init(adopting number: Int32, path: String) {
        self.number = number
        self.path = path
    }

    deinit {
        // An error of close(2) concerns writes that nobody synced; who cares has synced before.
        CRGWHost_close(number)
    }

    /// Up to `count` bytes at `offset`; fewer only at the end of the file.
    package func read(at offset: UInt64, count: Int) throws(HostError) -> [UInt8] {
        guard count > 0, let position = Int64(exactly: offset) else { return [] }
        var result: Int64 = 0
        // SAFETY: at most `count` bytes go into a buffer of that size, and `result` says how many
        // did.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            result = unsafe CRGWHost_pread(number, buffer.baseAddress, count, position)
            filled = max(0, Int(result))
        }
        try checked(result, "read", path)
        return bytes
    }

    /// Fills `buffer` from `offset` on; gives the count, smaller only at the end of the file.
    package func read(into buffer: inout [UInt8], at offset: UInt64) throws(HostError) -> Int {
        guard !buffer.isEmpty, let position = Int64(exactly: offset) else { return 0 }
        // SAFETY: at most the buffer's size goes into it, during the call.
        let result = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe CRGWHost_pread(number, buffer.baseAddress, buffer.count, position)
        }
        return Int(try checked(result, "read", path))
    }

    /// Writes all of `bytes` at `offset`. An offset that off_t cannot hold is EFBIG.
    package func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(HostError) {
        guard !bytes.isEmpty else { return }
        let position = try position(offset, "write")
        // SAFETY: the span is alive during the call and the kernel reads `count` bytes of it.
        let written = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe CRGWHost_pwrite(number, buffer.baseAddress, buffer.count, position)
        }
        try checked(written, "write", path)
    }

    /// Appends to a pipe or a file at its own position.
    package func write(_ bytes: Span<UInt8>) throws(HostError) {
        guard !bytes.isEmpty else { return }
        // SAFETY: as for `write(_:at:)`.
        let written = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe CRGWHost_write(number, buffer.baseAddress, buffer.count)
        }
        try checked(written, "write", path)
    }

    /// From the descriptor's own position to its end or `limit` bytes; waits as a pipe makes it
    /// wait.
    package func readToEnd(limit: Int) throws(HostError) -> [UInt8] {
        try read(limit: limit, waits: true)
    }

    /// What a pipe holds now, at most `limit` bytes: somebody may keep its other end open for ever.
    func readWhatIsThere(limit: Int) throws(HostError) -> [UInt8] {
        try read(limit: limit, waits: false)
    }

    private func read(limit: Int, waits: Bool) throws(HostError) -> [UInt8] {
        var result: Int64 = 0
        // SAFETY: as for `read(at:count:)`.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            result = unsafe CRGWHost_read(number, buffer.baseAddress, limit, waits)
            filled = max(0, Int(result))
        }
        try checked(result, "read", path)
        return bytes
    }

    package func status() throws(HostError) -> HostStatus {
        var native = CRGWHost_status()
        // SAFETY: the shim fills the struct during the call.
        try checked(unsafe CRGWHost_fstat(number, &native), "stat", path)
        return HostStatus(native)
    }

    package func truncate(to size: UInt64) throws(HostError) {
        try checked(
            CRGWHost_ftruncate(number, try position(size, "truncate")), "truncate", path)
    }
    /// fdatasync(2): the content and the size.
    package func syncData() throws(HostError) {
        try checked(CRGWHost_fdatasync(number), "fdatasync", path)
    }
    /// fsync(2): a file with its attributes, or a directory's entries.
    package func sync() throws(HostError) { try checked(CRGWHost_fsync(number), "fsync", path) }
    /// syncfs(2): the whole filesystem that the file is on.
    package func syncFilesystem() throws(HostError) {
        try checked(CRGWHost_syncfs(number), "syncfs", path)
    }
    package func setPermissions(_ mode: UInt32) throws(HostError) {
        try checked(CRGWHost_fchmod(number, mode), "chmod", path)
    }
    /// Source: fallocate(2), PUNCH_HOLE | KEEP_SIZE.
    package func punchHole(_ range: Range<UInt64>) throws(HostError) {
        guard !range.isEmpty else { return }
        let (start, length) = try bounds(range, "punch a hole in")
        try checked(CRGWHost_punch_hole(number, start, length), "punch a hole in", path)
    }
    /// Source: fallocate(2).
    package func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(HostError) {
        guard !range.isEmpty else { return }
        let (start, length) = try bounds(range, "allocate")
        try checked(
            CRGWHost_allocate(number, start, length, keepSize ? 1 : 0), "allocate", path)
    }
    /// Copies the first `count` bytes to another file. Source: copy_file_range(2).
    package func copy(to target: borrowing HostDescriptor, count: UInt64) throws(HostError) {
        let length = try position(count, "copy")
        try checked(CRGWHost_copy(number, target.number, length), "copy", path)
    }
    /// The next data or hole at or after `offset`; nil: none (ENXIO). Source: lseek(2).
    package func seek(from offset: UInt64, hole: Bool) throws(HostError) -> UInt64? {
        guard let position = Int64(exactly: offset) else { return nil }
        let found =
            hole
            ? CRGWHost_seek_hole(number, position) : CRGWHost_seek_data(number, position)
        // ENXIO, errno.h: no data after the offset, or the offset lies beyond the end.
        if found == -6 { return nil }
        return UInt64(try checked(found, "seek in", path))
    }
    /// Bytes that an ordinary user may still write there. Source: statvfs(3), f_bavail.
    package func freeBytes() throws(HostError) -> UInt64 {
        UInt64(try checked(CRGWHost_free_bytes(number), "statvfs", path))
    }
    /// Bytes of the whole filesystem. Source: statvfs(3), f_blocks.
    package func totalBytes() throws(HostError) -> UInt64 {
        UInt64(try checked(CRGWHost_total_bytes(number), "statvfs", path))
    }
    /// The magic number of statfs(2).
    package func filesystemType() throws(HostError) -> Int64 {
        try checked(CRGWHost_filesystem_type(number), "statfs", path)
    }
    /// True: the file is locked by this descriptor until it closes. False: by somebody else's.
    package func lockExclusively() throws(HostError) -> Bool {
        let result = CRGWHost_flock(number)
        // EWOULDBLOCK, errno.h.
        if result == -11 { return false }
        try checked(result, "flock", path)
        return true
    }

    /// Whether somebody else's descriptor has the lock.
    package func isLocked() throws(HostError) -> Bool {
        try checked(CRGWHost_is_locked(number), "flock", path) == 1
    }

    /// The same, as soon as whoever has it lets it go.
    package func lockWaiting() throws(HostError) {
        try checked(CRGWHost_flock_wait(number), "flock", path)
    }

    /// Also for a copy of the descriptor in a child that was forked a moment ago. Source: flock(2).
    package func unlock() { _ = CRGWHost_flock_release(number) }

    /// `offset` as off_t; EFBIG where that is too narrow.
    private func position(_ offset: UInt64, _ operation: String) throws(HostError) -> Int64 {
        guard let position = Int64(exactly: offset) else {
            throw HostError(operation, path: path, errno: 27)
        }
        return position
    }

    private func bounds(
        _ range: Range<UInt64>, _ operation: String
    ) throws(HostError) -> (start: Int64, length: Int64) {
        let end = try position(range.upperBound, operation)
        let start = try position(range.lowerBound, operation)
        return (start, end - start)
    }
}
