package import RGWBase
import RGWObject

/// setattr and statfs.
extension FileSystem {
    package func setattr(
        _ inode: InodeNumber, _ changes: AttributeChanges, _ caller: Caller,
        _ reply: consuming Reply<AttributeAnswer>
    ) {
        perform(reply) { state, moment throws(FileSystemError) in
            if let need = state.changeNeed(inode, now: moment.now, since: moment.since) {
                return .need(need)
            }
            if let size = changes.size {
                let isSame = state.inodes[inode]?.attributes.size == size
                if let need = try state.truncate(inode, to: size, moment) { return .need(need) }
                if isSame, changes.hasHandle { state.markContent(inode, moment) }
            }
            try state.change(inode, changes, moment)
            return .done(try state.attributeAnswer(inode, now: moment.now))
        }
        pump()
    }

    package func dropPrivileges(_ inode: InodeNumber) {
        let (now, time) = (clock.now(), clock.wallTime())
        let changed = withState { state in
            state.dropPrivileges(inode, Moment(now: now, since: now, time: time))
        }
        if changed { commitInBackground() }
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
