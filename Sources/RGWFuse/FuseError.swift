import Glibc

/// Why a mount could not be made, served or taken away. `description` is one sentence for the user.
package enum FuseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The directory to mount on is missing, not a directory, or cannot be reached.
    case mountPoint(String, errno: Int32)
    /// `/dev/fuse` is missing.
    case device(mountPoint: String, errno: Int32)
    /// libfuse refused the options.
    case options(mountPoint: String)
    case mount(mountPoint: String, errno: Int32)
    /// The loop ended because requests could not be received.
    case serve(mountPoint: String, errno: Int32)
    case unmount(mountPoint: String, errno: Int32)
    /// The method does not fit the session's state; the text is the method.
    case state(mountPoint: String, method: String)

    package var description: String {
        switch self {
        case .mountPoint(let path, let errno):
            "Cannot use \(path) as a mount point: \(Self.text(errno))."
        case .device(let path, let errno):
            "Cannot mount on \(path): /dev/fuse cannot be opened (\(Self.text(errno))); "
                + "is the kernel module fuse loaded?"
        case .options(let path):
            "Cannot mount on \(path): libfuse does not accept the mount options."
        case .mount(let path, let errno):
            "Cannot mount on \(path): \(Self.text(errno))."
        case .serve(let path, let errno):
            "Stopped serving \(path): \(Self.text(errno))."
        case .unmount(let path, let errno):
            "Cannot unmount \(path): \(Self.text(errno))."
        case .state(let path, let method):
            "The mount on \(path) is not in a state for \(method)()."
        }
    }

    private static func text(_ errno: Int32) -> String {
        // SAFETY: strerror returns a static string for every errno of the kernel.
        guard let text = unsafe strerror(errno) else { return "errno \(errno)" }
        return unsafe String(cString: text)
    }
}
