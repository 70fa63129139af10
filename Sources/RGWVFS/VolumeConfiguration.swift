package import RGWBase
package import RGWObject
package import RGWSpool

/// When `close(2)` and `fsync(2)` may return.
package enum WriteGuarantee: Sendable {
    /// fsync waits for the bucket (default).
    case remote
    /// fsync makes the spool power-safe and does not wait for the bucket.
    case local
    /// close waits for the bucket too.
    case synchronous
}

/// What to do when another client changed an object that has local changes.
package enum ConflictPolicy: Sendable {
    /// The remote version keeps the name, the local one is uploaded beside it.
    case both
    /// The local version is kept in the spool, not uploaded, until the user decides.
    case hold
    /// The local version wins.
    case local
}

/// Which earlier answers about names are believed. Source: nfs(5), lookupcache.
package enum LookupCache: Sendable {
    /// Those that a name exists, and those that it does not.
    case all
    /// Those that a name exists.
    case positive
    case none
}

/// How much of an object's attributes is read.
package enum AttributeSource: Sendable {
    /// Mode, owner and times from the object's metadata (one HEAD an object).
    case posix
    /// Size and Last-Modified from the listing; mode and owner are the mount's defaults.
    case list
}

/// One mount's settings, checked by RGWMount.
package struct VolumeConfiguration: Equatable, Sendable {
    /// The largest file: 5 TiB, S3's largest object. Source: S3 API, multipart upload limits.
    package static let fileBytesMax: UInt64 = 5 << 40

    /// nil: all buckets of the user, as directories.
    package var bucket: BucketName?
    /// Empty, or ends in `/`.
    package var prefix: [UInt8] = []
    package var readOnly = false
    /// Owner of objects without POSIX metadata.
    package var uid: UInt32
    package var gid: UInt32
    /// Permission bits taken away from objects without POSIX metadata.
    package var fileMask: UInt32 = 0o022
    package var directoryMask: UInt32 = 0o022
    package var attributeSource = AttributeSource.posix
    /// How long attributes of files and directories are believed; each doubles from min to max while the
    /// object stays the same. Source: nfs(5), acregmin and its kin.
    package var fileAttributesMin = Duration.seconds(3)
    package var fileAttributesMax = Duration.seconds(60)
    package var directoryAttributesMin = Duration.seconds(30)
    package var directoryAttributesMax = Duration.seconds(60)
    package var lookupCache = LookupCache.all
    /// open asks the server when the attributes are older than their time. Source: nfs(5), cto.
    package var closeToOpen = true
    /// Bytes for clean data in memory.
    package var memoryBytes = 256 << 20
    /// Objects up to this size are fetched with their attributes where a directory's files are being read; 0: none.
    package var smallBytesMax: UInt64 = 64 << 10
    /// Bytes read ahead of one sequential reader, at most.
    package var readAheadBytes = 32 << 20
    package var guarantee = WriteGuarantee.remote
    /// Changes of names are answered when the bucket has them. Source: mount(8), dirsync.
    package var namesAreSynchronous = false
    package var conflict = ConflictPolicy.both
    /// How old a change of names or a closed file may get before it survives a power cut; open files five
    /// times as old. Zero: every operation answers when it does. Source: ext4's commit=.
    package var commitInterval = Duration.seconds(1)
    /// How long after the last close an upload starts, and how long it may be put off by new changes.
    package var writebackDelay = Duration.milliseconds(300)
    package var writebackDelayMax = Duration.seconds(30)
    /// How long a request of unknown outcome may still take effect after it was sent.
    package var settleTime = Duration.seconds(120)
    /// How often a change that failed once is sent again before a program that waits for it is told, where the
    /// client cannot repeat it by itself; nil: until it succeeds. Source: nfs(5), retrans, hard.
    package var retriesMax: Int? = 5
    /// Parallel uploads and other changes in the bucket.
    package var uploadsMax = 32
    /// Bodies above it go up in parts. Source: RGW, rgw_max_put_size.
    package var multipartThreshold: UInt64 = 5 << 30
    /// Bytes of a part, unless 10,000 of them are too few; and how many go up at a time.
    package var partBytes: UInt64 = 64 << 20
    package var partsAtOnce = 4
    /// Longest time a drain may take before umount says what is left.
    package var drainTimeout = Duration.seconds(60)
    /// Larger objects are not fetched whole before a part of them is changed. Source: writeback.md 4.4.
    package var wholeBytesMax: UInt64 = 64 << 20
    /// Bytes that unsent data may take of the spool's filesystem; nil: half of it, 100 GiB at most.
    package var spoolBytesMax: UInt64?
    /// Empty data files made ahead while many are created.
    package var spareFilesMax = 16
    /// Extension (lower case) to Content-Type, from the system's mime.types.
    package var contentTypes: [String: String] = [:]
    /// Shown to those who ask where unsent files are.
    package var spoolDirectory = ""
    /// Names the loser of a conflict.
    package var hostName = "localhost"

    package init(bucket: BucketName?, uid: UInt32, gid: UInt32) {
        self.bucket = bucket
        self.uid = uid
        self.gid = gid
    }
}

/// What waits and what failed, for status displays.
package struct VolumeStatus: Sendable, Equatable {
    package struct Failure: Sendable, Equatable {
        package var path: String
        package var error: FileSystemError
        package var detail: String
    }
    package var pending = 0
    /// In the bucket, and looked at once more because a request of unknown outcome may yet undo it.
    package var settling = 0
    package var pendingBytes: UInt64 = 0
    package var uploading = 0
    package var failures: [Failure] = []
    package init() {}
}

/// What the volume tells the outside; the program logs it. Called without any lock held.
package enum VolumeEvent: Sendable {
    /// An upload or other change failed for good and waits for the user.
    case blocked(path: String, error: ObjectStoreError)
    /// A change that a program was told had succeeded is taken back: the bucket's version is shown again.
    case takenBack(path: String, want: IntentRecord.Want, reason: String)
    /// A change that had failed went through.
    case unblocked(path: String)
    /// The server refuses everything that this mount asks: uploads wait until it does no longer.
    case paused(ObjectStoreError)
    case resumed
    /// Another client changed the object; where the local version is kept.
    case conflict(path: String, keptAs: String)
    /// Something could not be read: programs get EIO or ETIMEDOUT. `others`: failures of the same kind since
    /// the last such event that have none of their own.
    case readFailed(path: String, error: ObjectStoreError, others: Int)
    /// Recovery found changes of an earlier mount.
    case recovered(files: Int, lost: Int)
    /// The spool itself failed: changes are refused from now on.
    case spoolFailed(SpoolFailure)

    package struct SpoolFailure: Sendable {
        package var detail: String
        package init(detail: String) { self.detail = detail }
    }
}
