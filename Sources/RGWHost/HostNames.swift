import CRGWHost

/// Calls that work on names of the local filesystem.
package enum HostNames {
    /// Nil: nothing there. Follows symbolic links unless told not to. Source: stat(2), lstat(2).
    package static func status(
        _ path: String, followsLinks: Bool = true
    ) throws(HostError) -> HostStatus? {
        var native = CRGWHost_status()
        // SAFETY: the path is NUL-terminated and the struct outlives the call.
        let result =
            followsLinks
            ? unsafe CRGWHost_stat(path, &native) : unsafe CRGWHost_lstat(path, &native)
        do throws(HostError) { try checked(result, "stat", path) } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
        return HostStatus(native)
    }

    /// Replaces `to`. Source: rename(2).
    package static func rename(_ from: String, to: String) throws(HostError) {
        // SAFETY: both paths are NUL-terminated copies that live for the call.
        try checked(unsafe CRGWHost_rename(from, to), "rename", "\(from) to \(to)")
    }

    /// Fails with EEXIST where `to` exists. Source: renameat2(2), RENAME_NOREPLACE.
    package static func move(_ from: String, to: String) throws(HostError) {
        // SAFETY: as for `rename`.
        try checked(unsafe CRGWHost_rename_noreplace(from, to), "rename", "\(from) to \(to)")
    }

    /// False: there was nothing. Source: unlink(2).
    @discardableResult
    package static func unlink(_ path: String) throws(HostError) -> Bool {
        // SAFETY: the path is NUL-terminated and lives for the call.
        let result = unsafe CRGWHost_unlink(path)
        do throws(HostError) { try checked(result, "unlink", path) } catch {
            guard error.isNotFound else { throw error }
            return false
        }
        return true
    }

    /// Source: rmdir(2).
    package static func removeDirectory(_ path: String) throws(HostError) {
        // SAFETY: the path is NUL-terminated and lives for the call.
        try checked(unsafe CRGWHost_rmdir(path), "rmdir", path)
    }

    /// False: something of that name exists already. Source: mkdir(2).
    @discardableResult
    package static func makeDirectory(_ path: String, mode: UInt32) throws(HostError) -> Bool {
        // SAFETY: the path is NUL-terminated and lives for the call.
        let result = unsafe CRGWHost_mkdir(path, mode)
        do throws(HostError) { try checked(result, "mkdir", path) } catch {
            guard error.isExisting else { throw error }
            return false
        }
        return true
    }

    /// The names in a directory but `.` and `..`, sorted; nil: there is no such directory.
    package static func list(_ path: String) throws(HostError) -> [String]? {
        var error: Int32 = 0
        // SAFETY: the path is NUL-terminated; the stream is closed below, on every way out.
        guard let stream = unsafe CRGWHost_list(path, &error) else {
            let failure = HostError("list", path: path, errno: -error)
            guard failure.isNotFound else { throw failure }
            return nil
        }
        // SAFETY: opened above, closed once.
        defer { unsafe CRGWHost_list_end(stream) }
        var names: [String] = []
        while true {
            var result: Int32 = 0
            // SAFETY: the stream is open; NAME_MAX is 255, and the buffer's size is passed on.
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 256) { buffer, filled in
                result = unsafe CRGWHost_list_next(stream, buffer.baseAddress, buffer.count)
                filled = result > 0 ? (unsafe buffer.firstIndex(of: 0) ?? 0) : 0
            }
            guard try checked(result, "list", path) > 0 else { return names.sorted() }
            let name = String(decoding: bytes, as: UTF8.self)
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// Makes the entries of a directory durable. Source: fsync(2), "calling fsync() does not
    /// necessarily ensure that the entry in the directory containing the file has also reached
    /// disk".
    package static func syncDirectory(_ path: String) throws(HostError) {
        try HostDescriptor(path, .directory).sync()
    }

    /// Creates `path` and what is missing above it; only the last part gets `mode`, the rest 0755.
    package static func makeDirectories(_ path: String, mode: UInt32) throws(HostError) {
        do throws(HostError) {
            try makeDirectory(path, mode: mode)
        } catch {
            let parent = parentDirectory(of: path)
            guard error.isNotFound, parent != path else { throw error }
            try makeDirectories(parent, mode: 0o755)
            try makeDirectory(path, mode: mode)
        }
    }

    /// `/a` of `/a/b`, `.` of `a`, `/` of `/a`.
    package static func parentDirectory(of path: String) -> String {
        var parts = Substring(path)
        while parts.count > 1, parts.last == "/" { parts.removeLast() }
        guard let slash = parts.lastIndex(of: "/") else { return "." }
        let parent = parts[..<slash]
        return parent.isEmpty ? "/" : String(parent)
    }
}
