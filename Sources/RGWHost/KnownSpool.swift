/// One mount's line in this machine's list of spools: where its changes are, and who may be
/// writing to which part of which bucket.
package struct KnownSpool: Equatable, Sendable {
    package var spool: String
    package var identity: SpoolIdentity
    package var isReadOnly: Bool
    /// The process that mounted it last, and where.
    package var owner: SpoolOwner
    /// Where the filesystem is mounted that the spool is on; nil: not known.
    package var filesystem: String?

    package init(
        spool: String, identity: SpoolIdentity, isReadOnly: Bool, owner: SpoolOwner,
        filesystem: String? = nil
    ) {
        self.filesystem = filesystem
        self.spool = spool
        self.identity = identity
        self.isReadOnly = isReadOnly
        self.owner = owner
    }

    /// Both change the same keys: one is the other or a part of it, on one server.
    package func overlaps(_ other: KnownSpool) -> Bool {
        guard !isReadOnly, !other.isReadOnly, identity.endpoint == other.identity.endpoint else {
            return false
        }
        let all = SpoolIdentity.allBuckets
        if identity.bucket == all || other.identity.bucket == all { return true }
        guard identity.bucket == other.identity.bucket else { return false }
        let (mine, theirs) = (Array(identity.prefix.utf8), Array(other.identity.prefix.utf8))
        return mine.starts(with: theirs) || theirs.starts(with: mine)
    }

    /// `bucket/prefix` as it is mounted; `/` for all buckets.
    package var source: String {
        if identity.prefix.isEmpty { return identity.bucket }
        return "\(identity.bucket)/\(identity.prefix.dropLast())"
    }

    /// Nil: not what `text` writes.
    init?(parsing text: String) {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            let space = line.firstIndex(of: " ") ?? line.endIndex
            values[line[..<space]] = unescapedLine(line[space...].dropFirst())
        }
        guard let spool = values["spool"], let endpoint = values["endpoint"],
            let bucket = values["bucket"], let prefix = values["prefix"],
            let access = values["access"], let owner = SpoolOwner(parsing: text)
        else { return nil }
        self.init(
            spool: spool,
            identity: SpoolIdentity(endpoint: endpoint, bucket: bucket, prefix: prefix),
            isReadOnly: access == "ro", owner: owner, filesystem: values["filesystem"])
    }

    var text: String {
        """
        spool \(escapedLine(spool))
        endpoint \(escapedLine(identity.endpoint))
        bucket \(escapedLine(identity.bucket))
        prefix \(escapedLine(identity.prefix))
        access \(isReadOnly ? "ro" : "rw")
        \(filesystem.map { "filesystem \(escapedLine($0))\n" } ?? "")\(owner.text)
        """
    }

    /// The spool is out of sight because its filesystem is not mounted.
    package func isOutOfSight() throws(HostError) -> Bool {
        guard let filesystem, try HostNames.status("\(spool)/FORMAT") == nil else { return false }
        return try HostMounts.mount(at: filesystem) == nil
    }
}
