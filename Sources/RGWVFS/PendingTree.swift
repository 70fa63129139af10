import RGWObject

/// The keys with an intent or a flight by the directory that they are in: what is below one is found without
/// looking at all. Decision 100.
struct PendingTree: Sendable {
    private struct Branch: Sendable {
        /// Of keys in it and below it.
        var count = 0
        /// In it; its own marker is one of them.
        var keys: Set<ObjectAddress> = []
        /// Those in it that have a branch.
        var directories: Set<KeyPrefix> = []
    }

    /// Whole buckets included.
    private var branches: [KeyPrefix: Branch] = [:]

    /// A key came (1) or went (-1).
    mutating func count(_ address: ObjectAddress, by change: Int) {
        var above = KeyPrefix(bucket: address.bucket, bytes: [])
        count(above, by: change)
        for prefix in address.directories {
            let had = branches[prefix] != nil
            count(prefix, by: change)
            let has = branches[prefix] != nil
            if has, !had { branches[above]?.directories.insert(prefix) }
            if had, !has { branches[above]?.directories.remove(prefix) }
            above = prefix
        }
        if change > 0 {
            branches[above]?.keys.insert(address)
        } else {
            branches[above]?.keys.remove(address)
        }
    }

    private mutating func count(_ prefix: KeyPrefix, by change: Int) {
        branches[prefix, default: Branch()].count += change
        if branches[prefix]?.count == 0 { branches[prefix] = nil }
    }

    func count(_ prefix: KeyPrefix) -> Int { branches[prefix]?.count ?? 0 }

    /// Those in the directory itself, its marker included.
    func keys(in prefix: KeyPrefix) -> Set<ObjectAddress> { branches[prefix]?.keys ?? [] }

    /// The directories in this one with something pending in or below them.
    func directories(in prefix: KeyPrefix) -> Set<KeyPrefix> {
        branches[prefix]?.directories ?? []
    }

    /// All in and below the directory. Costs as much as there are, and their directories.
    func keys(under prefix: KeyPrefix) -> [ObjectAddress] {
        var open = [prefix]
        var keys: [ObjectAddress] = []
        while let next = open.popLast() {
            guard let branch = branches[next] else { continue }
            keys.append(contentsOf: branch.keys)
            open.append(contentsOf: branch.directories)
        }
        return keys
    }

    /// What is not as `pending` would make it.
    func faults(_ pending: some Sequence<ObjectAddress>) -> [String] {
        var found = PendingTree()
        for address in pending { found.count(address, by: 1) }
        guard branches.count == found.branches.count else { return ["the pending directories"] }
        return found.branches.compactMap { prefix, branch in
            let kept = branches[prefix]
            let isSame =
                kept?.count == branch.count && kept?.keys == branch.keys
                && kept?.directories == branch.directories
            return isSame ? nil : "what is pending below \(prefix.bytes)"
        }
    }
}
