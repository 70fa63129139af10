package import RGWBase
package import RGWSpool

/// Who asks: from the FUSE request header.
package struct Caller: Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var umask: UInt32
    package init(uid: UInt32, gid: UInt32, umask: UInt32) {
        self.uid = uid
        self.gid = gid
        self.umask = umask
    }
}

/// Answer to lookup, create, mkdir, symlink, mknod. Each one sent adds one to the inode's lookup count;
/// when sending fails, the sender gives it back with `forget`.
package struct EntryAnswer: Sendable {
    package var inode: InodeNumber
    package var attributes: FileAttributes
    /// How long the kernel may keep the name and the attributes.
    package var entryTimeout: Duration
    package var attributeTimeout: Duration
}

package struct AttributeAnswer: Sendable {
    package var inode: InodeNumber
    package var attributes: FileAttributes
    package var timeout: Duration
    /// The file was removed while it is open: it has no name any more. Source: fstat(2), st_nlink.
    package var isRemoved = false
}

package struct OpenAnswer: Sendable {
    package var handle: HandleID
    /// The kernel's cached pages are of the version now opened.
    package var keepCache: Bool
}

package struct CreateAnswer: Sendable {
    package var entry: EntryAnswer
    package var open: OpenAnswer
}

/// Where the bytes of a read are.
package enum ReadAnswer: Sendable {
    /// In memory, in order.
    case bytes([ArraySlice<UInt8>])
    /// In a spool file: the sender reads `count` bytes at `offset` (fewer at the end of the file).
    case file(any SpoolFile, offset: UInt64, count: Int)
}

/// One name of a directory.
package struct DirectoryEntry: Sendable {
    package var name: EntryName?
    /// `.` and `..` have no EntryName.
    package var dots: Int
    package var inode: InodeNumber
    /// nil: not known (DT_UNKNOWN); whoever wants to know asks for the attributes.
    package var kind: FileKind?
    /// The offset at which the entry after this one starts.
    package var next: UInt64
    /// readdirplus only: present when attributes are known; the lookup count was then taken.
    package var entry: EntryAnswer?
}

/// The reply buffer of readdir(plus): entries are taken while they fit.
package struct DirectoryBudget: Sendable {
    package var bytes: Int
    /// Size of an entry without its name: 24 for readdir, 152 for readdirplus. Source: linux/fuse.h.
    package var fixedBytes: Int

    /// Takes an entry's share if it fits. Source: linux/fuse.h, FUSE_DIRENT_ALIGN.
    mutating func take(_ nameLength: Int) -> Bool {
        let cost = (fixedBytes + nameLength + 7) & ~7
        guard cost <= bytes else { return false }
        bytes -= cost
        return true
    }

    package init(bytes: Int, fixedBytes: Int) {
        self.bytes = bytes
        self.fixedBytes = fixedBytes
    }
}

/// What setattr changes; nil leaves a field alone.
package struct AttributeChanges: Sendable {
    package enum Time: Sendable, Equatable {
        case now
        case at(WallTime)
    }
    package var permissions: UInt32?
    package var uid: UInt32?
    package var gid: UInt32?
    package var size: UInt64?
    package var atime: Time?
    package var mtime: Time?
    package var ctime: WallTime?
    /// The caller may not keep set-ID bits and capabilities of what is truncated.
    package var dropsPrivileges = false
    /// ftruncate, which marks the times also when the size stays; truncate does not. Source: linux
    /// fs/open.c, do_truncate.
    package var hasHandle = false
    package init() {}
}

package struct OpenFlags: Sendable {
    package var read: Bool
    package var write: Bool
    package var truncate: Bool
    package var append: Bool
    package var exclusive: Bool
    /// With `truncate`: the caller may not keep set-ID bits and capabilities.
    package var dropsPrivileges: Bool
    package init(
        read: Bool, write: Bool, truncate: Bool = false, append: Bool = false,
        exclusive: Bool = false, dropsPrivileges: Bool = false
    ) {
        self.read = read
        self.write = write
        self.truncate = truncate
        self.append = append
        self.exclusive = exclusive
        self.dropsPrivileges = dropsPrivileges
    }
}

package enum RenameMode: Sendable {
    case replace
    /// RENAME_NOREPLACE
    case noReplace
    /// RENAME_EXCHANGE
    case exchange
}

/// What statfs(2) shows, in bytes and counts.
package struct VolumeStatistics: Sendable {
    package var totalBytes: UInt64
    package var freeBytes: UInt64
    package var totalObjects: UInt64
    package var freeObjects: UInt64
    package init(
        totalBytes: UInt64, freeBytes: UInt64, totalObjects: UInt64, freeObjects: UInt64
    ) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.totalObjects = totalObjects
        self.freeObjects = freeObjects
    }
}
