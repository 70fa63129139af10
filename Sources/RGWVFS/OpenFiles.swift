import RGWBase

/// An open file, as one `fh` of the kernel.
struct OpenFile: Sendable {
    let inode: InodeNumber
    let flags: OpenFlags
    /// The inode's foreign version at open: a newer one makes reads of unsent bytes stale.
    var foreignVersion: UInt64
    /// Bytes of that version may have been given out, by this handle or from pages the kernel kept.
    var hasRead: Bool
    /// The newest failure this handle has reported.
    var failureSeen: UInt64
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
