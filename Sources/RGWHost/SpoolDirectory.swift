package import RGWBase
package import RGWSpool

/// A spool's directory, checked and locked.
///
/// Owns the lock. What is inside: `FORMAT`, `LOCK`, `journal.db` with SQLite's `-wal`, `data/`,
/// `lost/`.
package final class SpoolDirectory: Sendable {
    package let path: String
    package let format: SpoolFormat
    package let lock: SpoolLock
    /// There was no FORMAT file before.
    package let isNew: Bool

    package var journalPath: String { "\(path)/journal.db" }

    /// Creates what is missing, takes the lock, then reads or writes FORMAT; a spool that is locked
    /// or that this program must not write stays untouched.
    ///
    /// Throws `busy` (locked), `unusable` (a directory or format that is refused; the text says
    /// why), or what the system says.
    package convenience init(
        path: String, identity: SpoolIdentity, mountPoint: String,
        entropy: any Entropy = HostEntropy()
    ) throws(SpoolError) {
        try self.init(
            path: path, identity: identity, mountPoint: mountPoint, entropy: entropy,
            refusing: Self.unfitFilesystems)
    }

    /// Tries what a mount needs there, and removes what it made: the directories, a lock, room, a sync. Gives the
    /// filesystem's type and its free bytes. Nobody else is disturbed: the lock is that of a file of its own.
    ///
    /// Throws as `init` does, but not `busy`.
    package static func trial(
        _ path: String
    ) throws(SpoolError) -> (filesystemType: Int64, freeBytes: UInt64) {
        let made = try asSpoolOperation { () throws(HostError) in try missing(path) }
        defer { remove(made) }
        if let format = try prepare(path, refusing: unfitFilesystems) { try check(format, path) }
        return try asSpoolOperation { () throws(HostError) in
            let file = "\(path)/trial-\(HostProcess.identifier)"
            let directory = try HostDescriptor(path, .directory)
            do throws(HostError) {
                try exercise(file)
            } catch {
                try HostNames.unlink(file)
                throw error
            }
            try HostNames.unlink(file)
            try directory.sync()
            return (try directory.filesystemType(), try directory.freeBytes())
        }
    }

    private static func exercise(_ path: String) throws(HostError) {
        let file = try HostDescriptor(path, [.write, .create, .exclusive])
        guard try file.lockExclusively() else { throw HostError("flock", path: path, errno: 11) }
        do throws(HostError) {
            try file.allocate(0..<(1 << 20), keepSize: false)
        } catch {
            // EOPNOTSUPP, errno.h: the spool does without.
            guard error.errno == 95 else { throw error }
        }
        try file.write([0].span, at: 0)
        try file.sync()
    }

    /// What of a path is not there yet, the outermost first.
    private static func missing(_ path: String) throws(HostError) -> [String] {
        var missing: [String] = []
        var path = path
        while try HostNames.status(path) == nil {
            missing.insert(path, at: 0)
            let parent = HostNames.parentDirectory(of: path)
            guard parent != path, parent != "." else { break }
            path = parent
        }
        return missing
    }

    /// The directories that were made, as far as they are empty.
    private static func remove(_ made: [String]) {
        for directory in made.reversed() {
            // Somebody else has put something there: then it stays.
            do throws(HostError) { try HostNames.removeDirectory(directory) } catch { return }
        }
    }

    /// `refusing`: filesystem types by their magic number; tests name one that they have.
    init(
        path: String, identity: SpoolIdentity, mountPoint: String, entropy: any Entropy,
        refusing unfit: [Int64: String]
    ) throws(SpoolError) {
        self.path = path
        let made = try asSpoolOperation { () throws(HostError) in try Self.missing(path) }
        let known: SpoolFormat?
        do throws(SpoolError) {
            known = try Self.prepare(path, refusing: unfit)
        } catch {
            Self.remove(made)
            throw error
        }
        if let known { try Self.check(known, path: path, identity: identity) }
        lock = try SpoolLock(spool: path, mountPoint: mountPoint)
        // Another mount may have made it between the first look and the lock.
        if let format = try Self.format(of: path) {
            try Self.check(format, path: path, identity: identity)
            self.format = format
            isNew = false
        } else {
            format = SpoolFormat(identity: identity, entropy: entropy)
            isNew = true
            do throws(HostError) {
                try HostFile.writeAtomically("\(path)/FORMAT", text: format.text, mode: 0o600)
                try HostNames.syncDirectory(HostNames.parentDirectory(of: path))
            } catch {
                throw error.spoolError
            }
        }
    }

    /// The FORMAT file of a spool; nil: there is none.
    package static func format(of path: String) throws(SpoolError) -> SpoolFormat? {
        let contents = try asSpoolOperation { () throws(HostError) in
            try HostFile.read("\(path)/FORMAT", limit: 1 << 16)
        }
        guard let contents else { return nil }
        guard let text = contents.text, let format = SpoolFormat(parsing: text) else {
            throw .unusable("\(path)/FORMAT is damaged: it is not a spool's format file")
        }
        return format
    }

    // MARK: - Checks

    /// The directory exists afterwards and is fit to hold data; gives its format, if it has one.
    private static func prepare(
        _ path: String, refusing unfit: [Int64: String]
    ) throws(SpoolError) -> SpoolFormat? {
        let (status, type, names) = try asSpoolOperation { () throws(HostError) in
            if try HostNames.status(path) == nil {
                try HostNames.makeDirectories(path, mode: 0o700)
            }
            let directory = try HostDescriptor(path, .directory)
            return (
                try directory.status(), try directory.filesystemType(),
                try HostNames.list(path) ?? []
            )
        }
        if let name = unfit[type] {
            throw .unusable("the spool \(path) is on \(name); it must be on a local filesystem")
        }
        let user = HostProcess.effectiveUser
        guard status.uid == user else {
            throw .unusable("the spool \(path) belongs to user \(status.uid), not to \(user)")
        }
        guard status.permissions & 0o077 == 0 else {
            let mode = String(status.permissions, radix: 8)
            throw .unusable(
                "the spool \(path) is open to other users (mode \(mode)); use chmod 700")
        }
        try refuseForeignPlace(path, user)
        if let format = try format(of: path) { return format }
        if let stranger = names.first(where: {
            !expectedBeforeFormat.contains($0) && !$0.hasPrefix("trial-")
        }) {
            throw .unusable(
                "the directory \(path) is neither a spool nor empty: it contains \(stranger)")
        }
        return nil
    }

    /// Whoever may rename a directory above the spool could put another in its place.
    private static func refuseForeignPlace(
        _ path: String, _ user: UInt32
    ) throws(SpoolError) {
        let (real, isMapped) = try asSpoolOperation { () throws(HostError) in
            (try HostSurroundings.realPath(path), try HostProcess.mapsAllUsers())
        }
        var place = real
        while place != "/" {
            place = HostNames.parentDirectory(of: place)
            let found = try asSpoolOperation { [place] () throws(HostError) in
                try HostNames.status(place)
            }
            guard let status = found else { continue }
            // In a user namespace whoever is outside has this number.
            let isOutside = !isMapped && status.uid == HostProcess.overflowUser
            guard status.uid == 0 || status.uid == user || isOutside else {
                throw .unusable(
                    "the spool \(path) is not safe in \(place), which belongs to user "
                        + "\(status.uid): choose another place with spool=")
            }
            guard status.permissions & 0o1002 != 0o2 else {
                throw .unusable(
                    "the spool \(path) is not safe in \(place), where everybody may rename it "
                        + "(mode \(String(status.permissions, radix: 8))): use chmod o-w or "
                        + "chmod +t")
            }
        }
    }

    private static func check(_ format: SpoolFormat, _ path: String) throws(SpoolError) {
        guard format.minWriter <= SpoolFormat.current else {
            throw .unusable(
                "the spool \(path) has format \(format.version), which needs a newer rgwfs")
        }
    }

    private static func check(
        _ format: SpoolFormat, path: String, identity: SpoolIdentity
    ) throws(SpoolError) {
        try check(format, path)
        let wanted = [
            ("endpoint", format.identity.endpoint, identity.endpoint),
            ("bucket", format.identity.bucket, identity.bucket),
            ("prefix", format.identity.prefix, identity.prefix),
        ]
        for (name, has, wants) in wanted where has != wants {
            throw .unusable("the spool \(path) belongs to \(name) \"\(has)\", not to \"\(wants)\"")
        }
    }

    /// What an interrupted first mount, or mkfs, may have left.
    private static let expectedBeforeFormat: Set<String> = ["LOCK", "FORMAT.new", "lost+found"]

    /// Filesystems whose locks or whose fsync cannot be trusted to be local, by the magic number of
    /// statfs(2). FUSE: rgwfs below rgwfs would wait for itself. Source: linux/magic.h.
    package static let unfitFilesystems: [Int64: String] = [
        0x6969: "NFS",
        0x6573_5546: "FUSE",
        0xFF53_4D42: "CIFS",
        0xFE53_4D42: "SMB",
    ]

    /// tmpfs: fit, but empty after a restart of the machine. Source: linux/magic.h.
    package static let memoryFilesystem: Int64 = 0x0102_1994
}
