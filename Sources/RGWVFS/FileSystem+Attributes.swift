package import RGWBase
import RGWObject

/// setattr and statfs.
extension FileSystem {
    package func setattr(
        _ inode: InodeNumber, _ changes: AttributeChanges, _ caller: Caller,
        _ reply: consuming Reply<AttributeAnswer>
    ) {
        perform(reply, undoes: changes.size == nil) { state, moment throws(FileSystemError) in
            if let need = state.changeNeed(inode, now: moment.now, since: moment.since) {
                return .need(need)
            }
            if let size = changes.size,
                let need = try state.truncate(inode, to: size, moment)
            {
                return .need(need)
            }
            try state.change(inode, changes, moment)
            return .done(try state.attributeAnswer(inode, now: moment.now))
        }
        pump()
    }

    /// How long the bucket's usage is believed.
    private static let usageLifetime = Duration.seconds(5)

    package func statfs(_ reply: consuming Reply<VolumeStatistics>) {
        let now = clock.now()
        let cached: VolumeStatistics? = withState { state in
            state.usage.flatMap { now < $0.at + Self.usageLifetime ? $0.value : nil }
        }
        if let cached { return reply.succeed(cached) }
        let parked = reply.park()
        store.headBucket(configuration.bucket) { [self] result in
            switch result {
            case .failure(let error): parked.fail(FileSystemError(error))
            case .success(let usage):
                let value = Self.statistics(usage)
                withState { state in state.usage = (value, now) }
                parked.succeed(value)
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

extension VolumeState {
    /// chmod, chown, utimensat. Permission was checked by the kernel (default_permissions).
    mutating func change(
        _ inode: InodeNumber, _ changes: AttributeChanges, _ moment: FileSystem.Moment
    ) throws(FileSystemError) {
        guard let known = inodes[inode] else { throw .stale }
        var attributes = known.attributes
        if let permissions = changes.permissions { attributes.permissions = permissions & 0o7777 }
        if let uid = changes.uid { attributes.uid = uid }
        if let gid = changes.gid { attributes.gid = gid }
        switch changes.atime {
        case .now: attributes.atime = moment.time
        case .at(let time): attributes.atime = time
        case nil: break
        }
        switch changes.mtime {
        case .now: attributes.mtime = moment.time
        case .at(let time): attributes.mtime = time
        case nil: break
        }
        guard attributes != known.attributes else { return }
        if isReadOnly { throw .readOnly }
        attributes.ctime = changes.ctime ?? moment.time
        inodes[inode]?.attributes = attributes
        if inode == .root || known.link != nil {
            wantMetadata(inode, now: moment.now, time: moment.time)
        }
    }
}
