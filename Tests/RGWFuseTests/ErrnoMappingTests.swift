import Glibc
import RGWBase
import RGWFuse
import Testing

@Suite struct ErrnoMappingTests {
    static let table: [FileSystemError: Int32] = [
        .notFound: ENOENT, .exists: EEXIST, .notEmpty: ENOTEMPTY, .notDirectory: ENOTDIR,
        .isDirectory: EISDIR, .accessDenied: EACCES, .notPermitted: EPERM, .readOnly: EROFS,
        .nameTooLong: ENAMETOOLONG, .nameNotUTF8: EILSEQ, .invalidArgument: EINVAL,
        .notSupported: EOPNOTSUPP, .crossesDevices: EXDEV, .tooLarge: EFBIG, .spoolFull: ENOSPC,
        .tooManyFiles: ENFILE, .quotaExceeded: EDQUOT, .stale: ESTALE, .timedOut: ETIMEDOUT,
        .inputOutput: EIO,
        .badHandle: EBADF, .noAttribute: ENODATA, .bufferTooSmall: ERANGE,
        .attributeTooLarge: E2BIG, .noSuchOffset: ENXIO, .interrupted: EINTR,
        .notImplemented: ENOSYS, .shuttingDown: ENOTCONN,
    ]

    @Test(arguments: FileSystemError.allCases) func everyErrorHasItsErrno(_ error: FileSystemError)
    {
        #expect(error.errno == Self.table[error])
    }

    @Test func noTwoErrorsLookTheSame() {
        #expect(Set(FileSystemError.allCases.map(\.errno)).count == FileSystemError.allCases.count)
    }

    @Test func everyErrorReachesTheProgram() throws {
        try TestMount.with { mount in
            for (index, error) in FileSystemError.allCases.enumerated() {
                let seen = Posix.errno { _ = try Posix.stat(mount["error-\(index)"]) }
                #expect(seen == error.errno, "\(error)")
            }
        }
    }
}
