package import RGWBase
package import RGWSpool
import SystemPackage

/// The data files of one spool: `data/<low byte>/<identifier>`, and `lost/` for what nobody wants
/// back.
///
/// Owns a descriptor of the spool's directory. Holds no list of files: the directory is the list.
package final class HostFiles: SpoolFiles {
    private let root: HostDescriptor
    private let clock: any Clock
    /// Numbers that new data files do not get, so that there are descriptors for everything else.
    private let numbersMax: Int

    /// Descriptors for connections to the server, the control socket, directories being synced.
    private static let descriptorsKept = 128

    /// `spool` must exist (`SpoolDirectory`); `clock` dates what goes to `lost/`; `descriptorsMax`: how many
    /// this process may have.
    package init(
        spool: String, clock: any Clock = HostClock(), descriptorsMax: Int = .max
    ) throws(SpoolError) {
        self.clock = clock
        numbersMax = descriptorsMax - min(Self.descriptorsKept, descriptorsMax / 4)
        do throws(HostError) {
            try HostNames.makeDirectory("\(spool)/data", mode: 0o700)
            try HostNames.makeDirectory("\(spool)/lost", mode: 0o700)
            try Self.makeShards(in: "\(spool)/data")
            root = try HostDescriptor(spool, .directory)
            try root.sync()
        } catch {
            throw error.spoolError
        }
    }

    /// Fails with EEXIST where the file exists: identifiers are never used twice. Fails with `tooManyFiles`
    /// before there are none left for others.
    package func create(_ id: DataID) throws(SpoolError) -> any SpoolFile {
        do throws(HostError) {
            let file = try HostDescriptor(path(of: id), [.write, .create, .exclusive])
            do throws(HostError) { try checkNumber(of: file) } catch {
                try HostNames.unlink(path(of: id))
                throw error
            }
            return HostSpoolFile(file, createdIn: directory(of: id))
        } catch {
            throw error.spoolError
        }
    }

    package func open(_ id: DataID) throws(SpoolError) -> (any SpoolFile)? {
        do throws(HostError) {
            let file = try HostDescriptor(path(of: id), .write)
            try checkNumber(of: file)
            return HostSpoolFile(file)
        } catch {
            if error.isNotFound { return nil }
            throw error.spoolError
        }
    }

    /// The kernel gives the lowest number that is free: those below are taken. Source: open(2).
    private func checkNumber(of file: borrowing HostDescriptor) throws(HostError) {
        if file.number < numbersMax { return }
        throw HostError("open", path: file.path, errno: Errno.tooManyOpenFiles.rawValue)
    }

    /// Also succeeds when there is no such file, so that recovery may repeat it.
    package func remove(_ id: DataID) throws(SpoolError) {
        do throws(HostError) { try HostNames.unlink(path(of: id)) } catch { throw error.spoolError }
    }

    /// In ascending order. Names that are not a data file's are left alone and not listed.
    package func list() throws(SpoolError) -> [DataID] {
        try asSpoolOperation { () throws(HostError) in
            var found: [DataID] = []
            for shard in try HostNames.list("\(root.path)/data") ?? [] {
                guard let byte = UInt64(shard, radix: 16), hexadecimal(byte, digits: 2) == shard
                else { continue }
                for name in try HostNames.list("\(root.path)/data/\(shard)") ?? [] {
                    guard let id = Self.identifier(of: name), Self.shard(of: id) == shard else {
                        continue
                    }
                    found.append(id)
                }
            }
            return found.sorted()
        }
    }

    package func announceLost(_ id: DataID, description: String) throws(SpoolError) {
        try asSpoolOperation { () throws(HostError) in
            _ = try lostDirectory(for: id, description)
        }
    }

    package func withdrawLost(_ id: DataID) throws(SpoolError) {
        try asSpoolOperation { () throws(HostError) in
            guard let target = try announcement(of: id) else { return }
            _ = try HostNames.unlink("\(target)/info.txt")
            try HostNames.removeDirectory(target)
        }
    }

    package func announcedLost() throws(SpoolError) -> [DataID] {
        try asSpoolOperation { () throws(HostError) in
            let lost = "\(root.path)/lost"
            var announced: [DataID] = []
            for name in try HostNames.list(lost) ?? [] {
                guard try HostNames.status("\(lost)/\(name)/data") == nil,
                    let id = Self.identifier(of: String(name.suffix(16)))
                else { continue }
                announced.append(id)
            }
            return announced
        }
    }

    /// Makes `lost/<UTC>-<identifier>/` with `info.txt` first and moves the file in as `data`
    /// last: after a crash between the two the file is still in its place, and the next call goes
    /// on there.
    package func moveToLost(_ id: DataID, description: String?) throws(SpoolError) {
        try asSpoolOperation { () throws(HostError) in
            guard try HostNames.status(path(of: id)) != nil else {
                throw HostError("move to lost", path: path(of: id), errno: 2)
            }
            let target = try lostDirectory(for: id, description)
            try HostNames.move(path(of: id), to: "\(target)/data")
            try HostNames.syncDirectory(target)
            try HostNames.syncDirectory("\(root.path)/lost")
            try HostNames.syncDirectory(directory(of: id))
        }
    }

    package func syncAll() throws(SpoolError) {
        do throws(HostError) { try root.syncFilesystem() } catch { throw error.spoolError }
    }

    package func volume() throws(SpoolError) -> SpoolVolume {
        try asSpoolOperation { () throws(HostError) in
            SpoolVolume(totalBytes: try root.totalBytes(), freeBytes: try root.freeBytes())
        }
    }

    package func keepReserve(_ bytes: UInt64) throws(SpoolError) {
        if bytes == 0 { return }
        try asSpoolOperation { () throws(HostError) in
            let file = try HostDescriptor(reserve, [.write, .create])
            if try file.status().allocated >= bytes { return }
            do throws(HostError) {
                try file.allocate(0..<bytes, keepSize: false)
            } catch {
                // What was taken before the disk was full goes back: half a reserve is none.
                try HostNames.unlink(reserve)
                throw error
            }
        }
    }

    package func releaseReserve() throws(SpoolError) -> Bool {
        try asSpoolOperation { () throws(HostError) in
            guard try HostNames.status(reserve) != nil else { return false }
            try HostNames.unlink(reserve)
            return true
        }
    }

    private var reserve: String { "\(root.path)/ballast" }

    // MARK: - Names

    /// All at once, with one fsync, so that no later file waits for the directory above its own.
    private static func makeShards(in data: String) throws(HostError) {
        let existing = Set(try HostNames.list(data) ?? [])
        let missing = (0...0xFF as ClosedRange<UInt64>).map { shard(of: DataID($0)) }
            .filter { !existing.contains($0) }
        if missing.isEmpty { return }
        for shard in missing { try HostNames.makeDirectory("\(data)/\(shard)", mode: 0o700) }
        try HostNames.syncDirectory(data)
    }

    /// A directory below `lost`, with this description or, for nil, the one that it has.
    private func lostDirectory(
        for id: DataID, _ description: String?
    ) throws(HostError) -> String {
        let target = try lostDirectory(for: id)
        if let description {
            try HostFile.writeAtomically(
                "\(target)/info.txt", text: description, mode: 0o600)
        }
        return target
    }

    /// A new directory below `lost`, or the one that an interrupted call left for the same file.
    private func lostDirectory(for id: DataID) throws(HostError) -> String {
        if let begun = try announcement(of: id) { return begun }
        let target = "\(root.path)/lost/\(compactUTC(clock.wallTime()))\(Self.suffix(of: id))"
        guard try HostNames.makeDirectory(target, mode: 0o700) else {
            throw HostError("mkdir", path: target, errno: 17)
        }
        return target
    }

    /// The directory below `lost` that was made for a file which has not been moved there.
    private func announcement(of id: DataID) throws(HostError) -> String? {
        let lost = "\(root.path)/lost"
        for name in try HostNames.list(lost) ?? [] where name.hasSuffix(Self.suffix(of: id)) {
            let candidate = "\(lost)/\(name)"
            if try HostNames.status("\(candidate)/data") == nil { return candidate }
        }
        return nil
    }

    private static func suffix(of id: DataID) -> String {
        "-\(hexadecimal(id.value, digits: 16))"
    }

    /// Where the data file of a spool is, whether it exists or not.
    package static func path(of id: DataID, in spool: String) -> String {
        "\(spool)/data/\(shard(of: id))/\(hexadecimal(id.value, digits: 16))"
    }

    private func directory(of id: DataID) -> String { "\(root.path)/data/\(Self.shard(of: id))" }

    private func path(of id: DataID) -> String { Self.path(of: id, in: root.path) }

    private static func shard(of id: DataID) -> String { hexadecimal(id.value & 0xFF, digits: 2) }

    /// Nil unless `name` is exactly what `path(of:)` would write.
    private static func identifier(of name: String) -> DataID? {
        guard name.utf8.count == 16, let value = UInt64(name, radix: 16),
            hexadecimal(value, digits: 16) == name
        else { return nil }
        return DataID(value)
    }
}
