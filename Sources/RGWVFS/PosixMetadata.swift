package import RGWBase
package import RGWObject

/// Reads and writes POSIX attributes in user metadata with s3fs's names and formats, and understands
/// rclone's and Google's names when reading. Source: s3fs-fuse, `metaheader.cpp`.
package enum PosixMetadata {
    /// The names that rgwfs writes; everything else belongs to others and is kept.
    package static let owned: Set<String> = [
        "mode", "uid", "gid", "mtime", "ctime", "atime", "rdev",
    ]

    /// What to assume where an object says nothing.
    package struct Defaults: Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package var filePermissions: UInt32
        package var directoryPermissions: UInt32
        package init(
            uid: UInt32, gid: UInt32, filePermissions: UInt32, directoryPermissions: UInt32
        ) {
            self.uid = uid
            self.gid = gid
            self.filePermissions = filePermissions
            self.directoryPermissions = directoryPermissions
        }
    }

    /// The attributes of an object as `stat` shows them. `isMarker`: its key ends in `/`.
    package static func attributes(
        of head: ObjectHead, isMarker: Bool, defaults: Defaults
    ) -> FileAttributes {
        let user = head.metadata.user
        let mode = mode(user)
        let kind = kind(mode: mode, head: head, isMarker: isMarker)
        var permissions = (mode ?? 0) & 0o7777
        if mode == nil {
            permissions =
                kind == .directory ? defaults.directoryPermissions : defaults.filePermissions
        } else if permissions & 0o777 == 0 && mode == 0 {
            permissions = kind == .directory ? 0o500 : 0o400
        }
        let modified =
            time(user["mtime"]) ?? time(user["goog-reserved-file-mtime"]) ?? head.lastModified
        return FileAttributes(
            kind: kind,
            permissions: permissions,
            uid: identity(user["uid"] ?? user["owner"] ?? user["goog-reserved-posix-uid"])
                ?? defaults.uid,
            gid: identity(user["gid"] ?? user["group"] ?? user["goog-reserved-posix-gid"])
                ?? defaults.gid,
            size: kind == .directory ? directorySize : head.size,
            mtime: modified,
            ctime: time(user["ctime"]) ?? head.lastModified,
            atime: time(user["atime"]) ?? modified,
            rdev: number(user["rdev"]).map(UInt64.init) ?? 0)
    }

    /// The attributes of a file known only from a listing.
    package static func attributes(
        listedSize: UInt64, lastModified: WallTime, defaults: Defaults
    ) -> FileAttributes {
        FileAttributes(
            kind: .regular, permissions: defaults.filePermissions, uid: defaults.uid,
            gid: defaults.gid, size: listedSize, mtime: lastModified, ctime: lastModified,
            atime: lastModified)
    }

    /// The attributes of a directory without a marker.
    package static func implicitDirectory(at time: WallTime, defaults: Defaults) -> FileAttributes {
        FileAttributes(
            kind: .directory, permissions: defaults.directoryPermissions, uid: defaults.uid,
            gid: defaults.gid, size: directorySize, mtime: time, ctime: time, atime: time)
    }

    /// `st_size` of a directory, as s3fs and ext4 show it.
    package static let directorySize: UInt64 = 4096

    /// `kept` with the attributes' headers put in place of older ones.
    package static func merge(
        _ attributes: FileAttributes, into kept: ObjectMetadata
    )
        -> ObjectMetadata
    {
        var metadata = kept
        metadata.user["mode"] = String(attributes.mode)
        metadata.user["uid"] = String(attributes.uid)
        metadata.user["gid"] = String(attributes.gid)
        metadata.user["mtime"] = text(attributes.mtime)
        metadata.user["ctime"] = text(attributes.ctime)
        metadata.user["atime"] = text(attributes.atime)
        if attributes.kind == .characterDevice || attributes.kind == .blockDevice {
            metadata.user["rdev"] = String(attributes.rdev)
        }
        return metadata
    }

    /// `%ld` when there are no nanoseconds, else `%ld.%09ld`.
    static func text(_ time: WallTime) -> String {
        guard time.nanoseconds != 0 else { return String(time.seconds) }
        let digits = String(time.nanoseconds)
        return "\(time.seconds)." + String(repeating: "0", count: 9 - digits.count) + digits
    }

    /// Seconds with an optional fraction of any length (rclone trims zeros); nil when malformed.
    static func time(_ text: String?) -> WallTime? {
        guard let text else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let seconds = Int64(first) else { return nil }
        guard parts.count == 2 else { return WallTime(seconds: seconds) }
        let digits = parts[1].utf8.prefix(9)
        guard !digits.isEmpty, parts[1].utf8.allSatisfy({ 0x30 <= $0 && $0 <= 0x39 }) else {
            return nil
        }
        var fraction: Int64 = 0
        for digit in digits { fraction = fraction * 10 + Int64(digit - 0x30) }
        for _ in digits.count..<9 { fraction *= 10 }
        return WallTime(seconds: seconds, nanoseconds: fraction)
    }

    /// A number as `strtol(…, 0)` reads it: decimal, `0x` or leading-zero octal; nil when malformed.
    static func number(_ text: String?) -> UInt32? {
        guard let text else { return nil }
        if text.hasPrefix("0x") || text.hasPrefix("0X") {
            return UInt32(text.dropFirst(2), radix: 16)
        }
        if text.hasPrefix("0"), text.utf8.count > 1 { return UInt32(text.dropFirst(), radix: 8) }
        return UInt32(text)
    }

    /// A user or a group. The greatest number is nobody's: it means "as it is" in chown(2), and the kernel lets
    /// nobody change what belongs to it (EOVERFLOW).
    static func identity(_ text: String?) -> UInt32? {
        number(text).flatMap { $0 == .max ? nil : $0 }
    }

    private static func mode(_ user: [String: String]) -> UInt32? {
        if let text = user["mode"] ?? user["permissions"] { return UInt32(text) }
        return user["goog-reserved-posix-mode"].flatMap { UInt32($0, radix: 8) }
    }

    private static func kind(mode: UInt32?, head: ObjectHead, isMarker: Bool) -> FileKind {
        if isMarker || isOldMarker(head) { return .directory }
        if let mode, let kind = FileKind(rawValue: mode & 0o170000), kind != .directory {
            return kind
        }
        return .regular
    }

    /// An empty object that says it is a directory although its key has no slash at the end, as early versions
    /// of s3fs made them. With content it is a file, whatever it says. Source: s3fs-fuse, `metaheader.cpp`.
    static func isOldMarker(_ head: ObjectHead) -> Bool {
        guard head.size == 0, !head.etag.isOfSegments else { return false }
        if let type = mode(head.metadata.user).map({ $0 & 0o170000 }), type != 0 {
            return type == FileKind.directory.rawValue
        }
        let type = head.metadata.contentType?.prefix { $0 != ";" }.lowercased()
        return type == "application/x-directory" || type == "httpd/unix-directory"
    }
}
