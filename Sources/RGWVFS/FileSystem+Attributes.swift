package import RGWBase
import RGWObject

/// setattr and statfs.
extension FileSystem {
    package func setattr(
        _ inode: InodeNumber, _ changes: AttributeChanges, _ caller: Caller,
        _ reply: consuming Reply<AttributeAnswer>
    ) {
        let told = stored(.attributes, reply) { state in
            state.address(inode).map { [$0] } ?? []
        }
        let cut = newCut()
        perform(told, undoes: changes.size == nil) { state, moment throws(FileSystemError) in
            if state.isTaken(inode) { throw .stale }
            if let need = state.changeNeed(inode, now: moment.now, since: moment.since) {
                return .need(need)
            }
            try state.refuseManifest(inode)
            if let size = changes.size {
                let isSame =
                    state.inodes.look(inode) {
                        $0.attributes.size == size && !$0.cuts.contains(cut)
                    } ?? false
                if let need = try state.truncate(inode, to: size, moment, cut: cut) {
                    return .need(need)
                }
                if isSame, changes.hasHandle { state.markContent(inode, moment) }
            }
            try state.change(inode, changes, moment)
            return .done(try state.attributeAnswer(inode, now: moment.now))
        }
        pump()
    }

    @discardableResult
    package func dropPrivileges(_ inode: InodeNumber) -> Bool {
        let (now, time) = (clock.now(), clock.wallTime())
        let changed = withState { state in
            state.dropPrivileges(inode, Moment(now: now, since: now, time: time))
        }
        if changed { commitInBackground() }
        return changed
    }

    package func hasPrivileges(_ inode: InodeNumber) -> Bool {
        withState { state in
            state.inodes.look(inode) { $0.attributes.permissions & 0o6000 != 0 } ?? false
        }
    }

    /// How long the bucket's usage is shown before it is asked for anew.
    private static let usageLifetime = Duration.seconds(5)

    /// Never waits: nobody needs these numbers so much that df(1), a monitor of disks or a login shell
    /// should hang for them. What the server said last is shown (constants before its first answer), and
    /// asked for anew behind it.
    package func statfs(_ reply: consuming Reply<VolumeStatistics>) {
        perform(reply) { [self] state, moment throws(FileSystemError) in
            let isOld = state.usage.map { moment.now >= $0.at + Self.usageLifetime } ?? true
            if isOld { state.actions.append { [self] in fetch(.usage) { _ in } } }
            return .done(state.usage?.value ?? Self.statistics(BucketUsage()))
        }
    }

    /// Before the mount is made: what every path and every df(1) asks first, so that the first answers are
    /// not constants. Calls back when it is there, or cannot be had.
    package func learnRoot(then done: @escaping @Sendable () -> Void) {
        let now = clock.now()
        let need = withState { state in state.attributeNeed(.root, now: now, since: now) }
        fetch(.usage) { [self] _ in
            guard let need else { return done() }
            fetch(need) { _ in done() }
        }
    }

    /// One request for everybody who asks. What was known stays when the server does not answer; a
    /// server that does not tell this user, and all buckets together, leave constants.
    func fetchUsage(_ need: Need) {
        let startedAt = clock.now()
        guard let bucket = configuration.bucket else {
            return finish(need, nil) { $0.usage = (Self.statistics(BucketUsage()), startedAt) }
        }
        store.headBucket(bucket) { [self] result in
            switch result {
            case .success(let usage):
                finish(need, nil) { $0.usage = (Self.statistics(usage), startedAt) }
            case .failure(let error) where error.kind == .accessDenied:
                finish(need, nil) { $0.usage = (Self.statistics(BucketUsage()), startedAt) }
            case .failure(let error):
                let isKnown = withState { state in
                    state.usage?.at = startedAt
                    return state.usage != nil
                }
                finish(need, isKnown ? nil : FileSystemError(error))
            }
        }
    }

    /// Shown where the server sets no limit: 1 PiB and 2^40 objects.
    private static let unlimitedBytes: UInt64 = 1 << 50
    private static let unlimitedObjects: UInt64 = 1 << 40

    private static func statistics(_ usage: BucketUsage) -> VolumeStatistics {
        let usedBytes = usage.bytes ?? 0
        let usedObjects = usage.objects ?? 0
        let totalBytes = usage.quotaBytes ?? max(unlimitedBytes, usedBytes)
        let totalObjects = usage.quotaObjects ?? max(unlimitedObjects, usedObjects)
        return VolumeStatistics(
            totalBytes: totalBytes, freeBytes: totalBytes - min(totalBytes, usedBytes),
            totalObjects: totalObjects,
            freeObjects: totalObjects - min(totalObjects, usedObjects))
    }
}
