import RGWBase

/// An open file, as one `fh` of the kernel.
struct OpenFile: Sendable {
    let inode: InodeNumber
    let flags: OpenFlags
    /// The inode's foreign version at open: a newer one makes reads of unsent bytes stale.
    var foreignVersion: UInt64
    /// Bytes of that version have been given out by this handle.
    var hasRead = false
    /// Bytes of it may have been given out from pages that the kernel kept.
    let keptPages: Bool
    /// The size that the kernel was told, in bytes.
    let size: UInt64
    /// The newest failure this handle has reported.
    var failureSeen: UInt64
    /// How it has been read so far.
    var reading = ReadPattern()

    /// Nothing of the version that was opened has been given out: neither by this handle, nor from the kernel's pages,
    /// which hold none of what is asked for here.
    func mayGoOn(at offset: UInt64, count: Int) -> Bool {
        !hasRead && (!keptPages || offset == 0 && UInt64(clamping: count) >= size)
    }
}

/// An open directory: its names as they were when reading began at offset 0, so that offsets stay
/// valid while entries come and go. Of a large directory only the pages around the reader are held.
struct OpenDirectory: Sendable {
    struct Name: Sendable {
        var name: EntryName
        var inode: InodeNumber
        /// nil: the object's metadata, which was not read, says it.
        var kind: FileKind?
        var isDirectory: Bool { kind == .directory }
    }
    let inode: InodeNumber
    /// The newest refused change of a name that this handle has reported, or need not report.
    var failureSeen: UInt64 = 0
    var names: [Name]?
    var pages: DirectoryPages?
    /// Reading goes by pages now. What was read the other way before is kept for its offsets.
    var isPaged = false
}
