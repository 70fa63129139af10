import RGWBase
import RGWObject

/// The root of all buckets: directories there are buckets, made and deleted at once, never by the spool.
extension FileSystem {
    func listBuckets(_ need: Need) {
        let startedAt = clock.now()
        withState { state in state.beginLoad(.root) }
        store.listBuckets { [self] result in
            switch result {
            case .failure(let error):
                noteReadFailure("/", error)
                finish(need, FileSystemError(error)) { state in state.endLoad(.root) }
            case .success(let buckets):
                finish(need, nil) { state in
                    state.absorbBuckets(buckets, startedAt: startedAt)
                    state.endLoad(.root)
                }
            }
        }
    }

    /// A bucket that is gone is a name that is gone, where buckets are names.
    func listingError(_ error: ObjectStoreError) -> FileSystemError {
        layout.isAllBuckets && error.kind == .noSuchBucket ? .notFound : FileSystemError(error)
    }

    /// mkdir. RGW answers 200 to an owner who makes a bucket again, so the name is looked up first.
    /// Source: ceph/src/rgw/rgw_op.cc, RGWCreateBucket::execute.
    func makeBucket(_ name: EntryName, _ parked: ParkedReply<EntryAnswer>) {
        let free = Reply<Void> { [self] result in
            if case .failure(let error) = result { return parked.fail(error) }
            store.createBucket(BucketName(parsing: name.text)) { [self] result in
                madeBucket(name, result, parked)
            }
        }
        perform(free) { state, moment throws(FileSystemError) in
            if state.isReadOnly { throw .readOnly }
            switch try state.resolve(
                .root, name, now: moment.now, since: moment.since, time: moment.time)
            {
            case .found: throw .exists
            case .need(let need): return .need(need)
            case .absent: return .done(())
            }
        }
    }

    private func madeBucket(
        _ name: EntryName, _ result: Result<Void, ObjectStoreError>,
        _ parked: ParkedReply<EntryAnswer>
    ) {
        if case .failure(let error) = result {
            // The answer may be lost and the bucket made.
            withState { state in state.inodes[.root]?.directory?.listedAt = nil }
            return parked.fail(FileSystemError(error))
        }
        perform(Reply { parked.send($0) }) { state, moment throws(FileSystemError) in
            state.addBucket(name, moment)
            guard case .inode(let inode) = state.inodes[.root]?.directory?[name] else {
                throw .stale
            }
            return .done(try state.entryAnswer(inode, now: moment.now))
        }
    }

    /// rmdir. What waits for the bucket is sent first: only RGW knows whether a bucket is empty.
    func removeBucket(_ name: EntryName, _ parked: ParkedReply<Void>) {
        let empty = Reply<InodeNumber> { [self] result in
            switch result {
            case .failure(let error): parked.fail(error)
            case .success(let inode): emptyBucket(name, inode, parked)
            }
        }
        perform(empty) { state, moment throws(FileSystemError) in
            if state.isReadOnly { throw .readOnly }
            let found = try state.existing(.root, name, moment)
            guard case .done(let inode) = found else { return found.asNeed() }
            if let need = try state.emptyNeed(inode, moment) { return .need(need) }
            return .done(inode)
        }
    }

    private func emptyBucket(
        _ name: EntryName, _ inode: InodeNumber, _ parked: ParkedReply<Void>
    ) {
        let bucket = BucketName(parsing: name.text)
        let all = KeyPrefix(bucket: bucket, bytes: [])
        waitForAll(under: all, isPatient: false) { [self] error in
            if let error { return parked.fail(error) }
            let marker = withState { state -> ObjectAddress? in
                state.inodes[inode]?.directory?.hasMarker == true ? state.address(inode) : nil
            }
            guard let marker else { return deleteBucket(name, bucket, parked) }
            store.delete(marker) { [self] result in
                if case .failure(let error) = result {
                    return parked.fail(FileSystemError(error))
                }
                deleteBucket(name, bucket, parked)
            }
        }
    }

    private func deleteBucket(
        _ name: EntryName, _ bucket: BucketName, _ parked: ParkedReply<Void>
    ) {
        store.deleteBucket(bucket) { [self] result in
            if case .failure(let error) = result, error.kind != .noSuchBucket {
                withState { state in state.distrustBucket(name) }
                return parked.fail(FileSystemError(error))
            }
            let (now, time) = (clock.now(), clock.wallTime())
            withState { state in state.removeBucket(name, now: now, time) }
            parked.succeed(())
        }
    }
}

extension VolumeState {
    /// The buckets that the server names. One with local changes stays until they are settled.
    mutating func absorbBuckets(_ buckets: [ListedBucket], startedAt: Instant) {
        guard let root = inodes[.root]?.directory else { return }
        var times: [EntryName: WallTime] = [:]
        for bucket in buckets {
            guard let name = try? EntryName(Array(bucket.name.description.utf8)) else { continue }
            times[name] = bucket.created
        }
        for (name, entry) in root.entries where times[name] == nil && root.settled[name] == nil {
            if case .inode(let inode) = entry, isLocal(inode) { continue }
            if case .inode(let inode) = entry { take(inode) }
            inodes[.root]?.directory?[name] = nil
        }
        bucketTimes = times
        inodes[.root]?.directory?.listedAt = startedAt
        inodes[.root]?.directory?.order = []
        inodes[.root]?.directory?.numbered = []
        for name in times.keys where root.entries[name] == nil && root.settled[name] == nil {
            absorbName(.root, name, nil, at: startedAt)
        }
    }

    /// A bucket was made here: it is known to be empty.
    mutating func addBucket(_ name: EntryName, _ moment: FileSystem.Moment) {
        if case .inode = inodes[.root]?.directory?[name] { return }
        bucketTimes[name] = moment.time
        let listed = Directory.Listed(
            number: numbers.new(), object: nil, seenAt: moment.now)
        let inode = promote(.root, name, listed, time: moment.time)
        inodes[inode]?.attributesKnown = true
        inodes[inode]?.checkedAt = moment.now
        inodes[inode]?.directory?.listedAt = moment.now
        markSettled(.root, name, now: moment.now)
        touch(.root, moment.time)
    }

    /// A bucket was deleted here.
    mutating func removeBucket(_ name: EntryName, now: Instant, _ time: WallTime) {
        if case .inode(let inode) = inodes[.root]?.directory?[name] {
            // Files made meanwhile are not to lose their names; their uploads say what happened.
            if isLocal(inode) { return distrustBucket(name) }
            inodes[inode]?.isRemovedHere = true
            detach(inode)
        }
        inodes[.root]?.directory?[name] = nil
        markSettled(.root, name, now: now)
        touch(.root, time)
    }

    /// The bucket is not as it was thought to be.
    mutating func distrustBucket(_ name: EntryName) {
        inodes[.root]?.directory?.listedAt = nil
        guard case .inode(let inode) = inodes[.root]?.directory?[name] else { return }
        inodes[inode]?.directory?.listedAt = nil
        inodes[inode]?.attributesKnown = false
    }

    /// Somebody deleted the bucket: the list of buckets must be read again.
    mutating func noteListingFailure(_ error: ObjectStoreError) {
        guard layout.isAllBuckets, error.kind == .noSuchBucket else { return }
        inodes[.root]?.directory?.listedAt = nil
    }
}
