/// Seconds and nanoseconds since 1970-01-01T00:00:00Z, as `struct timespec`.
package struct WallTime: Hashable, Sendable, Comparable {
    package var seconds: Int64
    /// 0 ..< 1_000_000_000
    package var nanoseconds: Int64
    package init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
    package static func < (a: Self, b: Self) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}

/// The type bits of `st_mode`. Source: inode(7).
package enum FileKind: UInt32, Sendable, CaseIterable {
    case fifo = 0o010000
    case characterDevice = 0o020000
    case directory = 0o040000
    case blockDevice = 0o060000
    case regular = 0o100000
    case symlink = 0o120000
    case socket = 0o140000
}

/// What `stat(2)` shows, apart from the inode number.
package struct FileAttributes: Equatable, Sendable {
    package var kind: FileKind
    /// Permission bits with setuid, setgid and sticky: 0 ... 0o7777.
    package var permissions: UInt32
    package var uid: UInt32
    package var gid: UInt32
    /// Bytes.
    package var size: UInt64
    package var mtime: WallTime
    package var ctime: WallTime
    package var atime: WallTime
    /// Device number of character and block devices, as `makedev(3)` packs it.
    package var rdev: UInt64

    package init(
        kind: FileKind, permissions: UInt32, uid: UInt32, gid: UInt32, size: UInt64 = 0,
        mtime: WallTime, ctime: WallTime, atime: WallTime, rdev: UInt64 = 0
    ) {
        self.kind = kind
        self.permissions = permissions
        self.uid = uid
        self.gid = gid
        self.size = size
        self.mtime = mtime
        self.ctime = ctime
        self.atime = atime
        self.rdev = rdev
    }

    /// `st_mode`: type and permission bits together.
    package var mode: UInt32 { kind.rawValue | permissions }
}
