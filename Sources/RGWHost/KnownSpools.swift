import RGWCrypto

/// This machine's spools of one user: a file for each in `mounts/`, which says where the spool is
/// and who mounted it last. Spools that are gone are forgotten, but not those whose filesystem is not mounted.
///
/// It finds spools for the commands, and keeps two mounts from changing the same keys. It holds
/// nothing that a mount needs: deleting it loses no data.
package struct KnownSpools: Sendable {
    private let directory: String

    /// `base`: the directory that spools are in by default, whatever `spool=` says.
    package init(base: String) { directory = "\(base)/mounts" }

    /// Those that still exist, in the order of their paths.
    package func list() throws(HostError) -> [KnownSpool] {
        var known: [KnownSpool] = []
        for name in try HostNames.list(directory) ?? [] where !name.hasSuffix(".new") {
            guard let contents = try HostFile.read("\(directory)/\(name)", limit: 1 << 16),
                let text = contents.text, let spool = KnownSpool(parsing: text)
            else { continue }
            known.append(spool)
        }
        return known.sorted { $0.spool < $1.spool }
    }

    /// Notes a mount, unless one that runs overlaps with it; then that one is returned and nothing
    /// is noted. `allowing`: note it all the same. `others`: what other users have mounted.
    package func add(
        _ mount: KnownSpool, allowingOverlap allowing: Bool, besides others: [KnownSpool] = []
    ) throws(HostError) -> KnownSpool? {
        try HostNames.makeDirectories(directory, mode: 0o700)
        // Until the end of this function; mounts that start at once wait for each other here.
        let lock = try HostDescriptor("\(directory).lock", [.write, .create])
        try lock.lockWaiting()
        for other in try list() where other.spool != mount.spool {
            if try HostNames.status("\(other.spool)/FORMAT") == nil {
                if try !other.isOutOfSight() { try HostNames.unlink(path(of: other.spool)) }
            } else if !allowing, other.overlaps(mount), SpoolLock.isHeld(in: other.spool) {
                return other
            }
        }
        let foreign = others.first { $0.overlaps(mount) && SpoolLock.isHeld(in: $0.spool) }
        if !allowing, let foreign { return foreign }
        try HostFile.writeAtomically(path(of: mount.spool), text: mount.text, mode: 0o600)
        return nil
    }

    /// Where a spool's filesystem is to be mounted before it can be used, and the file that says so.
    package func missingFilesystem(
        of spool: String
    ) throws(HostError) -> (mountPoint: String, noted: String)? {
        guard let known = try list().first(where: { $0.spool == spool }),
            let filesystem = known.filesystem, try known.isOutOfSight()
        else { return nil }
        return (filesystem, path(of: spool))
    }

    package func remove(_ spool: String) throws(HostError) {
        try HostNames.unlink(path(of: spool))
    }

    private func path(of spool: String) -> String {
        "\(directory)/\(Hexadecimal.encode(Array(Hash.sha256(Array(spool.utf8)).prefix(8))))"
    }
}
