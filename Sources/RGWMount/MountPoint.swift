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
            "mount point \(Shown.text(path)) has a dead mount on it: run umount "
                + "\(Shown.text(path)) first"
        case .busy(let path, let source):
            "mount point \(Shown.text(path)) is busy: \(Shown.text(source)) is mounted there "
                + "already"
        }
    }
}

/// The directory to mount on, checked.
///
/// As with mount(8) and libfuse 3 a directory that is not empty may be mounted on; its content is
/// hidden until the unmount. Another file system's mount there is no obstacle either, but a second
/// rgwfs is: it is the usual mistake of a mount that runs twice. What an rgwfs left that was killed
/// is replaced.
package struct MountPoint: Equatable, Sendable {
    /// Real and absolute.
    package let path: String
    /// The mount of an rgwfs that died is there; it has to go first.
    package let hasDeadMount: Bool

    /// For who mounts nothing.
    static let none = MountPoint(path: "", hasDeadMount: false)

    private init(path: String, hasDeadMount: Bool) {
        self.path = path
        self.hasDeadMount = hasDeadMount
    }

    package init(_ name: String, in environment: some MountEnvironment) throws(MountPointError) {
        let absolute = environment.absolute(name)
        // A dead mount has no real path any more, so it is recognised by the name itself.
        let top = environment.mount(at: absolute)
        switch environment.directory(absolute) {
        case .directory(let real):
            if let top = environment.mount(at: real), top.isRGWFS {
                throw .busy(name, source: top.source)
            }
            path = real
            hasDeadMount = false
        case .dead:
            guard let top, top.isRGWFS else { throw .dead(name) }
            path = absolute
            hasDeadMount = true
        case .absent: throw .absent(name)
        case .notDirectory: throw .notDirectory(name)
        case .failed(let reason): throw .unusable(name, reason: reason)
        }
    }
}
