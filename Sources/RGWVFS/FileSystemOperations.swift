package import RGWBase

/// The filesystem as RGWFuse calls it: FUSE's low-level operations as values (names and meanings as in
/// libfuse's fuse_lowlevel.h). Every call returns at once; the reply is sent inline when the answer
/// is local, or later from another thread. No lock is held while a reply is sent.
package protocol FileSystemOperations: Sendable {
    func lookup(_ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<EntryAnswer>)
    /// Never answered; gives lookup counts back.
    func forget(_ inode: InodeNumber, count: UInt64)
    /// `handle`: of the open file that is being read, where the kernel asks for the size because of that; nil: of
    /// the name.
    func getattr(
        _ inode: InodeNumber, by handle: HandleID?, _ reply: consuming Reply<AttributeAnswer>)
    func setattr(
        _ inode: InodeNumber, _ changes: AttributeChanges, _ caller: Caller,
        _ reply: consuming Reply<AttributeAnswer>)
    func readlink(_ inode: InodeNumber, _ reply: consuming Reply<[UInt8]>)
    func symlink(
        _ parent: InodeNumber, _ name: EntryName, target: [UInt8], _ caller: Caller,
        _ reply: consuming Reply<EntryAnswer>)
    func mknod(
        _ parent: InodeNumber, _ name: EntryName, kind: FileKind, permissions: UInt32, rdev: UInt64,
        _ caller: Caller, _ reply: consuming Reply<EntryAnswer>)
    func mkdir(
        _ parent: InodeNumber, _ name: EntryName, permissions: UInt32, _ caller: Caller,
        _ reply: consuming Reply<EntryAnswer>)
    func unlink(_ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<Void>)
    func rmdir(_ parent: InodeNumber, _ name: EntryName, _ reply: consuming Reply<Void>)
    func rename(
        _ parent: InodeNumber, _ name: EntryName, to newParent: InodeNumber, _ newName: EntryName,
        _ mode: RenameMode, _ reply: consuming Reply<Void>)
    func open(_ inode: InodeNumber, _ flags: OpenFlags, _ reply: consuming Reply<OpenAnswer>)
    func create(
        _ parent: InodeNumber, _ name: EntryName, permissions: UInt32, _ flags: OpenFlags,
        _ caller: Caller, _ reply: consuming Reply<CreateAnswer>)
    func read(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, count: Int,
        _ reply: consuming Reply<ReadAnswer>)
    /// `bytes` is valid only during the call.
    func write(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, bytes: Span<UInt8>,
        _ origin: WriteOrigin, _ reply: consuming Reply<Int>)
    /// Before a write by somebody without CAP_FSETID: set-ID bits and capabilities go.
    func dropPrivileges(_ inode: InodeNumber) -> Bool
    /// The file's known mode has set-ID bits.
    func hasPrivileges(_ inode: InodeNumber) -> Bool
    /// `close(2)` of one descriptor.
    func flush(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>)
    func fsync(
        _ inode: InodeNumber, _ handle: HandleID, dataOnly: Bool, _ reply: consuming Reply<Void>)
    func release(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>)
    func opendir(_ inode: InodeNumber, _ reply: consuming Reply<OpenAnswer>)
    func readdir(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, budget: DirectoryBudget,
        plus: Bool, _ reply: consuming Reply<[DirectoryEntry]>)
    func releasedir(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>)
    func fsyncdir(_ inode: InodeNumber, _ handle: HandleID, _ reply: consuming Reply<Void>)
    func allocate(
        _ inode: InodeNumber, _ handle: HandleID, _ range: Range<UInt64>, _ allocation: Allocation,
        _ caller: Caller, _ reply: consuming Reply<Void>)
    /// copy_file_range; notSupported makes the kernel read and write.
    func copyRange(_ range: FileSystem.CopyRange, _ reply: consuming Reply<UInt64>)
    /// SEEK_DATA, or SEEK_HOLE with `hole`.
    func seek(
        _ inode: InodeNumber, _ handle: HandleID, from offset: UInt64, hole: Bool,
        _ reply: consuming Reply<UInt64>)
    func statfs(_ reply: consuming Reply<VolumeStatistics>)
    /// Values; the names in `listxattr` are not terminated.
    func getxattr(_ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<[UInt8]>)
    func listxattr(
        _ inode: InodeNumber, _ caller: Caller, _ reply: consuming Reply<[[UInt8]]>)
    func setxattr(
        _ inode: InodeNumber, _ name: [UInt8], value: [UInt8], create: Bool, replace: Bool,
        _ reply: consuming Reply<Void>)
    func removexattr(_ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<Void>)
}

extension FileSystemOperations {
    /// A write by a program, through the kernel's pages.
    package func write(
        _ inode: InodeNumber, _ handle: HandleID, offset: UInt64, bytes: Span<UInt8>,
        _ reply: consuming Reply<Int>
    ) {
        write(inode, handle, offset: offset, bytes: bytes, [], reply)
    }
}
