/// Every way an operation can fail as a program sees it. RGWFuse/ErrnoMapping.swift has the one errno table.
package enum FileSystemError: Error, Hashable, Sendable, CaseIterable {
    /// ENOENT: only after a definite answer that the name does not exist.
    case notFound
    /// EEXIST
    case exists
    /// ENOTEMPTY
    case notEmpty
    /// ENOTDIR
    case notDirectory
    /// EISDIR
    case isDirectory
    /// EACCES
    case accessDenied
    /// EPERM
    case notPermitted
    /// EROFS
    case readOnly
    /// ENAMETOOLONG
    case nameTooLong
    /// EILSEQ: the name is not UTF-8.
    case nameNotUTF8
    /// EINVAL
    case invalidArgument
    /// EOPNOTSUPP
    case notSupported
    /// EXDEV
    case crossesDevices
    /// EFBIG
    case tooLarge
    /// ENOSPC: the spool's disk is full, or an object has no room for another attribute.
    case spoolFull
    /// ENFILE: more files wait to be uploaded than may be open.
    case tooManyFiles
    /// EDQUOT: the bucket's or user's quota is used up.
    case quotaExceeded
    /// ESTALE: the object changed under an open file.
    case stale
    /// ETIMEDOUT: the server did not answer in time.
    case timedOut
    /// EIO: the server or the spool failed in a way no other case names.
    case inputOutput
    /// EBADF
    case badHandle
    /// ENODATA: no such extended attribute.
    case noAttribute
    /// ERANGE: the caller's buffer is too small.
    case bufferTooSmall
    /// E2BIG: an extended attribute that no object can hold.
    case attributeTooLarge
    /// ENXIO: no data, or no hole, at or after an offset.
    case noSuchOffset
    /// EINTR
    case interrupted
    /// ENOSYS: not built; the kernel stops asking.
    case notImplemented
    /// ENOTCONN: the mount is shutting down.
    case shuttingDown
}
