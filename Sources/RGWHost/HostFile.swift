import RGWBase

/// A small file as it was read, with what decides whether to trust it.
package struct HostFileContents: Equatable, Sendable {
    package var bytes: [UInt8]
    package var status: HostStatus
    /// Nil: not UTF-8.
    package var text: String? { String(validating: bytes, as: UTF8.self) }
}

/// Whole small files: configuration, credentials, `/proc`, `/sys`, markers of the spool.
package enum HostFile {
    /// Nil: no such file. Fails with EFBIG over `limit` bytes and with EINVAL for what is not a
    /// regular file, without waiting (a FIFO would).
    package static func read(
        _ path: String, limit: Int = 1 << 20
    ) throws(HostError)
        -> HostFileContents?
    {
        let file: HostDescriptor
        do throws(HostError) { file = try HostDescriptor(path, .nonblocking) } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
        let status = try file.status()
        guard status.kind == .regular else { throw HostError("read", path: path, errno: 22) }
        // Files of /proc say that their size is 0, so the size is not asked.
        let bytes = try file.readToEnd(limit: limit + 1)
        guard bytes.count <= limit else { throw HostError("read", path: path, errno: 27) }
        return HostFileContents(bytes: bytes, status: status)
    }

    /// A file of one short line, without the line's end; nil: no such file.
    package static func line(_ path: String) throws(HostError) -> String? {
        guard let contents = try read(path, limit: 1 << 16) else { return nil }
        let text = String(decoding: contents.bytes, as: UTF8.self)
        return String(text.prefix { $0 != "\n" })
    }

    /// After a crash at any point `path` has the old content or the new one, whole: temporary file,
    /// fsync, rename, fsync of the directory.
    package static func writeAtomically(
        _ path: String, bytes: [UInt8], mode: UInt32
    )
        throws(HostError)
    {
        let temporary = "\(path).new"
        let flags: HostOpenFlags = [.write, .create, .truncate]
        do throws(HostError) {
            let file = try HostDescriptor(temporary, flags, mode: mode)
            // The mode of open(2) is cut by the umask and does not touch a file that exists.
            try file.setPermissions(mode)
            try file.write(bytes.span, at: 0)
            try file.sync()
            try HostNames.rename(temporary, to: path)
        } catch {
            // The first error is the one that matters.
            do throws(HostError) { try HostNames.unlink(temporary) } catch {}
            throw error
        }
        try HostNames.syncDirectory(HostNames.parentDirectory(of: path))
    }

    package static func writeAtomically(
        _ path: String, text: String, mode: UInt32
    )
        throws(HostError)
    {
        try writeAtomically(path, bytes: Array(text.utf8), mode: mode)
    }

    /// Copies the bytes of a file into one that must not exist yet (EEXIST), and syncs it. What was
    /// copied before a failure is removed.
    package static func copy(_ source: String, to target: String) throws(HostError) {
        let from = try HostDescriptor(source)
        let to = try HostDescriptor(target, [.write, .create, .exclusive])
        do throws(HostError) {
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            var offset: UInt64 = 0
            while true {
                let count = try from.read(into: &buffer, at: offset)
                if count == 0 { break }
                try to.write(buffer.span.extracting(0..<count), at: offset)
                offset += UInt64(count)
            }
            try to.sync()
        } catch {
            // The first error is the one that matters.
            do throws(HostError) { try HostNames.unlink(target) } catch {}
            throw error
        }
    }

    /// Writes into a file that exists, in one call, as `/sys` and `/proc` want it.
    package static func store(_ text: String, into path: String) throws(HostError) {
        let file = try HostDescriptor(path, .write)
        try file.write(Array(text.utf8).span)
    }
}
