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
    package static let mountInfoPath = "/proc/self/mountinfo"
    package static let mountInfoLengthMax = 16 << 20

    /// The real, absolute path.
    package static func check(
        _ path: String, in environment: some MountEnvironment
    ) throws(MountPointError) -> String {
        let real: String
        switch environment.directory(environment.absolute(path)) {
        case .directory(let realPath): real = realPath
        case .absent: throw .absent(path)
        case .notDirectory: throw .notDirectory(path)
        case .dead: throw .dead(path)
        case .failed(let reason): throw .unusable(path, reason: reason)
        }
        guard
            case .content(let table) = environment.readFile(
                mountInfoPath, limit: mountInfoLengthMax)
        else { return real }
        // The last entry for a path is the one that is seen.
        if let top = MountTableEntry.parse(table.bytes).last(where: { $0.mountPoint == real }),
            top.isRGWFS
        {
            throw .busy(path, source: top.source)
        }
        return real
    }
}

/// One line of /proc/self/mountinfo. Source: proc_pid_mountinfo(5).
package struct MountTableEntry: Equatable, Sendable {
    package var mountPoint: String
    /// `fuse.rgwfs`, `ext4`.
    package var type: String
    package var source: String
    /// Options of the mount and of the file system, as they stand there.
    package var options: String

    package var isRGWFS: Bool { type == "fuse.rgwfs" || type == "rgwfs" }

    /// Lines that are not understood are skipped.
    package static func parse(_ bytes: [UInt8]) -> [MountTableEntry] {
        bytes.split(separator: 0x0A).compactMap { line in
            let fields = line.split(separator: 0x20)
            guard let dash = fields.firstIndex(where: { $0.elementsEqual([0x2D]) }), dash >= 6,
                fields.count >= dash + 4
            else { return nil }
            return MountTableEntry(
                mountPoint: unescaped(fields[4]), type: unescaped(fields[dash + 1]),
                source: unescaped(fields[dash + 2]),
                options: unescaped(fields[5]) + "," + unescaped(fields[dash + 3]))
        }
    }

    /// Blanks, tabs, line ends and backslashes are written as `\` and three octal digits.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == 0x5C, digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                result.append(value)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
