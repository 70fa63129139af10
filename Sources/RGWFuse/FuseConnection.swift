import CRGWFuse

/// What is agreed with the kernel in the INIT request: sizes and capabilities.
enum FuseConnection {
    /// Largest read and write request in bytes: 256 pages, the most libfuse 3.14 has a buffer for.
    static let requestBytesMax = 1 << 20

    /// Read-ahead and asynchronous direct requests in flight; Linux's 12 would limit all readers
    /// of a mount together to 12 requests, too few to fill a network.
    static let backgroundMax: UInt32 = 64
    /// Above it the kernel holds read-ahead back: three quarters, the kernel's own proportion.
    static let congestionThreshold: UInt32 = 48

    /// What is wanted of what the kernel has. Everything else stays off on purpose:
    /// - WRITEBACK_CACHE: the kernel would keep written data that the spool must have before
    ///   close(2) returns, and would decide sizes and times itself; it was also slower.
    /// - SPLICE_*: slower than one copy for requests of this size.
    /// - HANDLE_KILLPRIV: its second version is asked for instead, which says with each write and
    ///   truncation whether set-ID bits must go, where libfuse passes that on (`tellsPrivileges`);
    ///   elsewhere the kernel takes them away itself. CRGWFuse asks for it where libfuse cannot.
    /// - DONT_MASK: the kernel applies the umask, so permissions arrive final.
    /// - POSIX_LOCKS, FLOCK_LOCKS: locks stay local, in the kernel.
    /// - EXPORT_SUPPORT: inode numbers do not outlive the mount, so NFS handles could not be
    ///   honoured. See rgwfs(7), LIMITS.
    /// - AUTO_INVAL_DATA: a file's own writes move its mtime, and the kernel would throw away the pages
    ///   just written. Open says whether the pages are of the version that is opened (keep_cache).
    /// - POSIX_ACL, CACHE_SYMLINKS, EXPLICIT_INVAL_DATA, NO_OPEN(DIR)_SUPPORT: not needed.
    static let wanted =
        UInt32(FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC)
        | UInt32(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO)
        | UInt32(FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS)

    /// Only what the kernel is capable of may be wanted: libfuse gives the mount up otherwise.
    static func negotiate(
        _ connection: inout fuse_conn_info, readAheadBytes: Int, tellsPrivileges: Bool
    ) {
        var wanted = wanted
        if tellsPrivileges { wanted |= UInt32(CRGWFuse_handleKillPrivileges) }
        connection.want = wanted & connection.capable
        connection.max_write = UInt32(requestBytesMax)
        connection.max_read = UInt32(requestBytesMax)
        connection.max_background = backgroundMax
        connection.congestion_threshold = congestionThreshold
        connection.max_readahead = UInt32(clamping: readAheadBytes)
        connection.time_gran = 1
    }
}
