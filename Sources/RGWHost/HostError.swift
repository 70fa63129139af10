package import RGWSpool
import SystemPackage

/// A system call that failed: which, on what, and why.
package struct HostError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call's name, for example `open`.
    package var operation: String
    /// The path it was about, where there is one.
    package var path: String?
    /// Positive, as in errno(3).
    package var errno: Int32

    package init(_ operation: String, path: String? = nil, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// One line: `open /var/lib/x: Permission denied`.
    package var description: String {
        let subject = path.map { "\(operation) \($0)" } ?? operation
        return "\(subject): \(reason)"
    }

    /// The text of strerror(3).
    package var reason: String { Errno(rawValue: errno).description }

    package var isNotFound: Bool { Errno(rawValue: errno) == .noSuchFileOrDirectory }
    package var isExisting: Bool { Errno(rawValue: errno) == .fileExists }

    /// What the spool's owner makes of it.
    package var spoolError: SpoolError {
        switch Errno(rawValue: errno) {
        case .noSpace, Errno(rawValue: Self.diskQuota): .full
        case .fileTooLarge: .tooLarge
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem: .tooManyFiles
        default:
            .failed(operation: path.map { "\(operation) \($0)" } ?? operation, errno: errno)
        }
    }

    /// EDQUOT, which swift-system names on some platforms only. Source: asm-generic/errno.h.
    private static let diskQuota: Int32 = 122
}

/// `value`, or the error that a negative value stands for (the shim's rule: `-errno`).
@discardableResult
func checked<Value: SignedInteger>(
    _ value: Value, _ operation: String, _ path: String? = nil
) throws(HostError) -> Value {
    guard value < 0 else { return value }
    throw HostError(operation, path: path, errno: Int32(truncatingIfNeeded: -value))
}

/// Runs `body` as an operation of the spool.
func asSpoolOperation<Value>(_ body: () throws(HostError) -> Value) throws(SpoolError) -> Value {
    do throws(HostError) { return try body() } catch { throw error.spoolError }
}
