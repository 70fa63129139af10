import CRGWFuse

/// What can be done to a directory as a place of mounts; errors are errno numbers, 0 is success.
// SAFETY, all of it: strings and structures are passed for the duration of the call only.
enum MountPoint {
    /// Tells one mount from another at the same path.
    struct Identity: Equatable {
        var mount: UInt64
        /// Never given to another mount (Linux 6.8); without it a later mount may look the same.
        var unique: Bool
        var major: UInt32
        var minor: UInt32
    }

    struct Failure: Error, Equatable {
        var errno: Int32
    }

    /// Source: umount2(2).
    struct Flags: OptionSet {
        let rawValue: Int32
        /// MNT_FORCE: everything that waits for the filesystem fails.
        static let force = Flags(rawValue: Int32(CRGWFuse_unmountForce))
        /// MNT_DETACH: out of sight now, gone with its last user.
        static let detach = Flags(rawValue: Int32(CRGWFuse_unmountDetach))
    }

    static func check(_ path: String) -> Int32 { unsafe -CRGWFuse_check_directory(path) }

    /// Asks the kernel only, so it cannot hang on a filesystem that does not answer.
    static func identity(_ path: String) -> Result<Identity, Failure> {
        var found = CRGWFuse_identity()
        let result = unsafe CRGWFuse_identify(path, &found)
        guard result == 0 else { return .failure(Failure(errno: -result)) }
        return .success(
            Identity(
                mount: found.mount, unique: found.unique != 0, major: found.major,
                minor: found.minor))
    }

    static func unmount(_ path: String, _ flags: Flags) -> Int32 {
        unsafe -CRGWFuse_unmount(path, flags.rawValue)
    }

    /// INIT can only lower what the kernel starts from, so the device's own setting goes up first.
    /// Without the right to do so reading is slower, nothing else. Source: linux fs/fuse/inode.c.
    static func raiseReadAhead(_ identity: Identity, bytes: Int) {
        let path = "/sys/class/bdi/\(identity.major):\(identity.minor)/read_ahead_kb"
        let text = "\(bytes / 1024)"
        _ = unsafe CRGWFuse_write_text(path, text, text.utf8.count)
    }
}
