/// Why a directory cannot be mounted on: one sentence.
package enum MountPointError: Error, Equatable, Sendable, CustomStringConvertible {
    case absent(String)
    case notDirectory(String)
    case unusable(String, reason: String)
    /// A FUSE server died and its mount is still there.
    case dead(String)
    /// rgwfs is mounted there already.
    case busy(String, source: String)

    package var description: String {
        switch self {
        case .absent(let path): "mount point \(Shown.text(path)) does not exist"
        case .notDirectory(let path): "mount point \(Shown.text(path)) is not a directory"
        case .unusable(let path, let reason):
            "mount point \(Shown.text(path)) cannot be used: \(Shown.text(reason))"
        case .dead(let path):
            "mount point \(Shown.text(path)) has a dead mount on it: run umount \(Shown.text(path)) first"
        case .busy(let path, let source):
            "mount point \(Shown.text(path)) is busy: \(Shown.text(source)) is mounted there already"
        }
    }
}

/// The directory to mount on, checked.
///
/// As with mount(8) and libfuse 3 a directory that is not empty may be mounted on; its content is hidden
/// until the unmount. Another file system's mount there is no obstacle either, but a second rgwfs is: it is
/// the usual mistake of a mount that runs twice.
package enum MountPoint {
    /// The real, absolute path.
    package static func check(
        _ path: String, in environment: some MountEnvironment
    ) throws(MountPointError) -> String {
        // Before anything touches the directory: a mount whose server hangs would make that wait.
        let absolute = environment.absolute(path)
        try refuseSecondMount(absolute, path, environment)
        let real: String
        switch environment.directory(absolute) {
        case .directory(let realPath): real = realPath
        case .absent: throw .absent(path)
        case .notDirectory: throw .notDirectory(path)
        case .dead: throw .dead(path)
        case .failed(let reason): throw .unusable(path, reason: reason)
        }
        try refuseSecondMount(real, path, environment)
        return real
    }

    private static func refuseSecondMount(
        _ real: String, _ path: String, _ environment: some MountEnvironment
    ) throws(MountPointError) {
        if let top = environment.mount(at: real), top.isRGWFS {
            throw .busy(path, source: top.source)
        }
    }
}
