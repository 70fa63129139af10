import CRGWFuse
import Glibc
import RGWBase
import RGWVFS

extension stat {
    /// `st_blksize` of files: the unit in which cp and other copiers read and write, so they fill
    /// whole requests. Source: coreutils io_blksize: the larger of this and its own 128 or 256 KiB.
    static let preferredBytes = FuseConnection.requestBytesMax
    /// `st_blksize` of directories: glibc's opendir(3) reads that much at once, and the kernel
    /// asks for as much as is read. It holds about 1,400 entries with attributes: a page of a
    /// bucket's listing.
    static let preferredDirectoryBytes = 256 << 10

    init(_ inode: InodeNumber, _ attributes: FileAttributes, isRemoved: Bool = false) {
        self.init()
        st_ino = UInt(inode.value)
        st_mode = attributes.mode
        // A directory with 1 does not count its subdirectories; from 2 on, find(1) and fts(3) take it for the
        // number of those, and look no further.
        st_nlink = isRemoved ? 0 : 1
        st_uid = attributes.uid
        st_gid = attributes.gid
        st_rdev = UInt(attributes.rdev)
        st_size = Int(clamping: attributes.size)
        st_blksize =
            attributes.kind == .directory ? Self.preferredDirectoryBytes : Self.preferredBytes
        // Units of 512 bytes whatever st_blksize says. Source: inode(7).
        st_blocks = Int(clamping: attributes.size / 512 + (attributes.size % 512 == 0 ? 0 : 1))
        st_atim = timespec(attributes.atime)
        st_mtim = timespec(attributes.mtime)
        st_ctim = timespec(attributes.ctime)
    }

    /// What a directory entry without attributes says: number and type, DT_UNKNOWN where that is not known.
    init(_ inode: InodeNumber, _ kind: FileKind?) {
        self.init()
        st_ino = UInt(inode.value)
        st_mode = kind?.rawValue ?? 0
    }
}

extension timespec {
    init(_ time: WallTime) {
        self.init(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
    }
}

extension WallTime {
    init(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}

extension Duration {
    /// Seconds as libfuse takes timeouts: never negative.
    var asTimeout: Double { max(0, inSeconds) }
}

extension fuse_entry_param {
    init(_ answer: EntryAnswer) {
        self.init()
        ino = answer.inode.value
        // Inode numbers are not used twice in the life of a mount, so one generation will do.
        generation = 0
        attr = stat(answer.inode, answer.attributes)
        attr_timeout = answer.attributeTimeout.asTimeout
        entry_timeout = answer.entryTimeout.asTimeout
    }
}

extension statvfs {
    /// The unit of the block counts, in bytes.
    private static let blockBytes: UInt = 4096

    init(_ volume: VolumeStatistics) {
        self.init()
        f_bsize = UInt(FuseConnection.requestBytesMax)
        f_frsize = Self.blockBytes
        f_blocks = UInt(volume.totalBytes) / Self.blockBytes
        f_bfree = UInt(volume.freeBytes) / Self.blockBytes
        f_bavail = f_bfree
        f_files = UInt(volume.totalObjects)
        f_ffree = UInt(volume.freeObjects)
        f_favail = f_ffree
        f_namemax = UInt(EntryName.lengthMax)
    }
}

extension AttributeChanges {
    /// From setattr's `to_set` bits. Source: fuse_lowlevel.h, FUSE_SET_ATTR_*.
    init(_ attributes: stat, set: Int32, hasHandle: Bool) {
        self.init()
        self.hasHandle = hasHandle
        func has(_ bit: Int32) -> Bool { set & bit != 0 }
        // Libfuse 3.17 and later say it themselves.
        dropsPrivileges =
            attributes.st_mode & UInt32(CRGWFuse_dropPrivileges) != 0
            || has(FUSE_SET_ATTR_KILL_SUID)
        if has(FUSE_SET_ATTR_MODE) { permissions = attributes.st_mode & 0o7777 }
        if has(FUSE_SET_ATTR_UID) { uid = attributes.st_uid }
        if has(FUSE_SET_ATTR_GID) { gid = attributes.st_gid }
        if has(FUSE_SET_ATTR_SIZE) { size = UInt64(clamping: attributes.st_size) }
        // The NOW bit comes together with the plain one and wins.
        if has(FUSE_SET_ATTR_ATIME) { atime = .at(WallTime(attributes.st_atim)) }
        if has(FUSE_SET_ATTR_ATIME_NOW) { atime = .now }
        if has(FUSE_SET_ATTR_MTIME) { mtime = .at(WallTime(attributes.st_mtim)) }
        if has(FUSE_SET_ATTR_MTIME_NOW) { mtime = .now }
        if has(FUSE_SET_ATTR_CTIME) { ctime = WallTime(attributes.st_ctim) }
    }
}

extension OpenFlags {
    /// From open(2)'s flags.
    init(_ flags: Int32, dropsPrivileges: Bool = false) {
        let access = flags & O_ACCMODE
        self.init(
            read: access == O_RDONLY || access == O_RDWR,
            write: access == O_WRONLY || access == O_RDWR,
            truncate: flags & O_TRUNC != 0, append: flags & O_APPEND != 0,
            exclusive: flags & O_EXCL != 0, dropsPrivileges: dropsPrivileges)
    }
}

extension RenameMode {
    /// nil: flags that this filesystem does not know (RENAME_WHITEOUT). Source: rename(2).
    init?(_ flags: UInt32) {
        switch Int(flags) {
        case 0: self = .replace
        case Int(CRGWFuse_renameNoReplace): self = .noReplace
        case Int(CRGWFuse_renameExchange): self = .exchange
        default: return nil
        }
    }
}

extension Allocation {
    /// nil: flags that this filesystem does not know (COLLAPSE_RANGE and its kin) or that mean
    /// nothing together. Source: fallocate(2).
    init?(_ mode: Int32) {
        let keepsSize = Int(mode) & Int(CRGWFuse_keepSize) != 0
        switch Int(mode) & ~Int(CRGWFuse_keepSize) {
        case 0: self = .reserve(keepsSize: keepsSize)
        case Int(CRGWFuse_punchHole) where keepsSize: self = .punchHole
        case Int(CRGWFuse_zeroRange): self = .zero(keepsSize: keepsSize)
        default: return nil
        }
    }
}

extension FileKind {
    /// From mknod's mode; no type bits mean a regular file. Source: mknod(2).
    init?(mode: UInt32) {
        let type = mode & UInt32(S_IFMT)
        if type == 0 { self = .regular } else { self.init(rawValue: type) }
    }
}
