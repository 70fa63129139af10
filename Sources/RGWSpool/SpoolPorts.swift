package import RGWBase
package import RGWObject

/// Why the spool failed.
package enum SpoolError: Error, Equatable, Sendable, CustomStringConvertible {
    /// ENOSPC or EDQUOT of the spool's filesystem, or SQLITE_FULL.
    case full
    /// EFBIG: the spool's filesystem cannot hold a file of this size.
    case tooLarge
    /// EMFILE or ENFILE: each file that waits keeps a descriptor, and there are no more.
    case tooManyFiles
    /// Any other I/O error; `errno` and the operation say which.
    case failed(operation: String, errno: Int32)
    /// The journal is damaged or of a newer format; the text names the file and the reason.
    case unusable(String)
    /// Another process owns the spool; the text says which.
    case busy(String)

    /// For people; what knows the spool's path says it better.
    package var description: String {
        switch self {
        case .full: "the disk is full"
        case .tooLarge: "a file is too large for the disk"
        case .tooManyFiles: "too many files are open"
        case .failed(let operation, let errno): "\(operation) (errno \(errno))"
        case .unusable(let text), .busy(let text): text
        }
    }
}

/// How far a commit must have got before it returns.
package enum Durability: Sendable {
    /// Survives `kill -9` of the process.
    case process
    /// Survives a power cut, with everything committed before it.
    case power
}

/// The durable desired state. Thread-safe; each `commit` is one transaction, applied in order.
package protocol Journal: Sendable {
    func load() throws(SpoolError) -> JournalContents
    func commit(_ changes: [JournalChange], durability: Durability) throws(SpoolError)
}

/// One data file of the spool: the whole local content of one file, sparse where never written.
/// Thread-safe as far as the kernel's `pread`/`pwrite` are.
package protocol SpoolFile: BodyFile {
    /// Writes all of `bytes` at `offset`. On failure nothing before `offset` changes.
    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(SpoolError)
    /// Up to `count` bytes; shorter only at the end of the file.
    func read(at offset: UInt64, count: Int) throws(SpoolError) -> [UInt8]
    func truncate(to size: UInt64) throws(SpoolError)
    func size() throws(SpoolError) -> UInt64
    /// `fdatasync`
    func sync() throws(SpoolError)
    /// The MD5 of the first `length` bytes, 16 bytes; fails when the file is shorter.
    func md5(length: UInt64) throws(SpoolError) -> [UInt8]
    /// The MD5 of the bytes in `range`, 16 bytes; fails when the file ends before.
    func md5(of range: Range<UInt64>) throws(SpoolError) -> [UInt8]
    /// Frees `range` and makes it read as zeros, within the size. Source: fallocate(2), PUNCH_HOLE | KEEP_SIZE.
    func punchHole(_ range: Range<UInt64>) throws(SpoolError)
    /// Reserves space for `range`; `keepSize` leaves the size alone. Source: fallocate(2).
    func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(SpoolError)
    /// The next data (`hole` false) or hole (`hole` true) at or after `offset`; nil: none. Source: lseek(2).
    func seek(from offset: UInt64, hole: Bool) throws(SpoolError) -> UInt64?
    /// Copies the first `length` bytes into an empty file; fails when this one is shorter.
    func copy(to target: any SpoolFile, length: UInt64) throws(SpoolError)
    /// Bytes of the disk that it takes; of a sparse file fewer than its size.
    func allocatedBytes() throws(SpoolError) -> UInt64
}

extension SpoolFile {
    /// By reading and writing, 1 MiB at a time.
    package func copy(to target: any SpoolFile, length: UInt64) throws(SpoolError) {
        var offset: UInt64 = 0
        while offset < length {
            let bytes = try read(at: offset, count: Int(min(length - offset, 1 << 20)))
            // ENODATA, errno.h: the file ends before `length`.
            if bytes.isEmpty { throw .failed(operation: "copy a data file", errno: 61) }
            try target.write(bytes.span, at: offset)
            offset += UInt64(bytes.count)
        }
    }

    /// For files that have no holes.
    package func allocatedBytes() throws(SpoolError) -> UInt64 { try size() }
}

/// How much of the spool's filesystem there is.
package struct SpoolVolume: Equatable, Sendable {
    package var totalBytes: UInt64
    /// What an ordinary user may still write.
    package var freeBytes: UInt64
    package init(totalBytes: UInt64, freeBytes: UInt64) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
    }
}

extension SpoolFile {
    package func contents(at offset: UInt64, count: Int) -> [UInt8]? {
        do throws(SpoolError) { return try read(at: offset, count: count) } catch { return nil }
    }
}

/// The spool's directory of data files.
package protocol SpoolFiles: Sendable {
    /// A new, empty file; its directory entry is durable after the next `syncDirectory`.
    func create(_ id: DataID) throws(SpoolError) -> any SpoolFile
    /// An existing file; nil when there is none.
    func open(_ id: DataID) throws(SpoolError) -> (any SpoolFile)?
    func remove(_ id: DataID) throws(SpoolError)
    func list() throws(SpoolError) -> [DataID]
    /// From now on the file belongs in `lost/`, also after a crash: `moveToLost` goes on from there.
    func announceLost(_ id: DataID, description: String) throws(SpoolError)
    /// It stays where it is after all; nothing to do when it was not announced.
    func withdrawLost(_ id: DataID) throws(SpoolError)
    /// The files that were announced and are not there yet.
    func announcedLost() throws(SpoolError) -> [DataID]
    /// Moves a file to `lost/` with a description beside it (nil: the announced one); never overwrites.
    func moveToLost(_ id: DataID, description: String?) throws(SpoolError)
    /// `syncfs` of the spool: data files and their names reach the disk.
    func syncAll() throws(SpoolError)
    /// The spool's filesystem, as it is now.
    func volume() throws(SpoolError) -> SpoolVolume
    /// Sets `bytes` of the disk aside, so that commits go on when it is full; nothing to do when they
    /// are set aside already. Errors: `full` when there is no room for it.
    func keepReserve(_ bytes: UInt64) throws(SpoolError)
    /// Gives the reserve back to the filesystem. False: there was none.
    func releaseReserve() throws(SpoolError) -> Bool
}
