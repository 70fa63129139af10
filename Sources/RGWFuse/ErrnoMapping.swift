import Glibc
package import RGWBase

/// The one table from the filesystem's errors to errno. It has no `default`: a new error does not
/// compile until it has a number. Source: errno(3); which call may say what: the man page of that
/// call.
extension FileSystemError {
    package var errno: Int32 {
        switch self {
        case .notFound: ENOENT
        case .exists: EEXIST
        case .notEmpty: ENOTEMPTY
        case .notDirectory: ENOTDIR
        case .isDirectory: EISDIR
        case .accessDenied: EACCES
        case .notPermitted: EPERM
        case .readOnly: EROFS
        case .nameTooLong: ENAMETOOLONG
        case .nameNotUTF8: EILSEQ
        case .invalidArgument: EINVAL
        case .notSupported: EOPNOTSUPP
        case .crossesDevices: EXDEV
        case .tooLarge: EFBIG
        case .spoolFull: ENOSPC
        case .tooManyFiles: ENFILE
        case .quotaExceeded: EDQUOT
        case .stale: ESTALE
        case .timedOut: ETIMEDOUT
        case .inputOutput: EIO
        case .badHandle: EBADF
        case .noAttribute: ENODATA
        case .bufferTooSmall: ERANGE
        case .attributeTooLarge: E2BIG
        case .noSuchOffset: ENXIO
        case .interrupted: EINTR
        case .notImplemented: ENOSYS
        case .shuttingDown: ENOTCONN
        }
    }
}

extension EntryName.Invalid {
    var asFileSystemError: FileSystemError {
        switch self {
        case .tooLong: .nameTooLong
        case .notUTF8: .nameNotUTF8
        case .reserved: .invalidArgument
        }
    }
}
