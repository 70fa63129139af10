import CRGWHost
package import RGWBase

/// What `stat` says, as far as rgwfs asks.
package struct HostStatus: Equatable, Sendable {
    /// Nil for a type that inode(7) does not name.
    package var kind: FileKind?
    /// 0 ... 0o7777
    package var permissions: UInt32
    package var uid: UInt32
    package var gid: UInt32
    package var inode: UInt64
    package var size: UInt64
    /// Bytes of the disk that it takes.
    package var allocated: UInt64
    package var mtime: WallTime
    package var deviceMajor: UInt32
    package var deviceMinor: UInt32

    init(_ native: CRGWHost_status) {
        kind = FileKind(rawValue: native.mode & 0o170000)
        permissions = native.mode & 0o7777
        uid = native.uid
        gid = native.gid
        inode = native.inode
        size = native.size
        allocated = native.allocated
        mtime = WallTime(
            seconds: native.mtime.seconds, nanoseconds: native.mtime.nanoseconds)
        deviceMajor = native.device_major
        deviceMinor = native.device_minor
    }
}
