import RGWBase
import RGWObject
import RGWSpool

/// All that a mount knows: names, inodes, open files, intents and the journal's queue.
///
/// Owned by FileSystem behind its one Mutex. Pure: it never does I/O, reads no clock and calls nobody;
/// what must happen outside the lock goes into `actions`, which FileSystem runs after unlocking.
struct VolumeState: ~Copyable {
    private(set) var configuration: VolumeConfiguration
    /// For a server that is busy.
    var pace = UploadPace()
    let layout: Layout
    var inodes = InodeTable()
    var numbers: InodeNumbers
    var nextHandle: UInt64 = 1
    var files: [HandleID: OpenFile] = [:]
    var directories: [HandleID: OpenDirectory] = [:]
    var intents = IntentTable()
    var journal = JournalQueue()
    var reads: ReadCache
    /// Who waits for a fetch under way.
    var fetches: [Need: [@Sendable (FileSystemError?) -> Void]] = [:]
    /// Renames that wait for another one to end.
    var renamesWaiting: [@Sendable () -> Void] = []
    var nextFailure: UInt64 = 1
    /// Until then the bucket's quota is taken to be used up.
    var quotaFullUntil: Instant?
    /// When the buckets were made, if the root shows buckets.
    var bucketTimes: [EntryName: WallTime] = [:]
    var usage: (value: VolumeStatistics, at: Instant)?
    /// Refused changes of names that nobody has heard of yet.
    var nameFailures = NameFailures()
    /// Changes that were answered with success and taken back.
    var refusals = RefusedChanges()
    /// The largest body that the server may take; nil: no limit is known.
    var bodyMax: UInt64?
    /// Where the server refuses what is written.
    var rights = WriteRights()
    /// The server refuses the mount as a whole.
    var pause = QueuePause()
    /// Requests that go as soon as others have ended.
    var outbox = Outbox()
    /// When the write-back pump is to run next, if a timer is set.
    var pumpAt: Instant?
    var isStopping = false
    /// Names that were removed one after another, and the directory of the last one.
    var removals: (count: Int, parent: InodeNumber) = (0, .root)
    /// Removed files that are still open and whose bytes are in the bucket: deleting waits.
    var unlinked: [InodeNumber: ObjectAddress] = [:]
    /// Data files that no journal row will name after the next commit.
    var discarded: [DataID] = []
    /// Files that are being created exclusively, until the bucket has them.
    var claims: Set<ObjectAddress> = []
    /// Room for data, and who waits for it.
    var space: SpoolSpace
    /// The spool failed: changes are refused, what is readable still goes up. Never cleared, because a
    /// later success would not mean that the failed bytes are there.
    var spoolFailure: SpoolError?
    var barrier = BarrierQueue()
    /// Files of which only a part is in the spool.
    var partials: Set<InodeNumber> = []
    /// Data files that a power cut may bring back to life: their rows were made power-safe once, so they
    /// are removed only when the rows' removal is.
    var sealedData: Set<DataID> = []
    /// Those of them that no journal row will name after the next barrier.
    var discardedSealed: [DataID] = []
    /// Data files that are being removed: who waits for room is to have theirs.
    var removing = 0
    /// What the operation that is being decided changes, if it can be taken back.
    var undo: UndoLog?
    /// What the kernel must not believe any more: told after unlocking.
    var notices: [KernelNotice] = []
    /// Which failures of reads have been told.
    var readFailures = ReadFailures()
    /// What the server does not let be read.
    var unreadable = UnreadableKeys()
    /// What is to be kept of objects for the next mount.
    var kept = AttributeQueue()
    /// Run after unlocking, in order.
    var actions: [@Sendable () -> Void] = []

    init(
        configuration: VolumeConfiguration, nextInode: InodeNumber, space: SpoolSpace, now: Instant,
        time: WallTime
    ) {
        self.configuration = configuration
        self.space = space
        layout = Layout(bucket: configuration.bucket, prefix: configuration.prefix)
        numbers = InodeNumbers(next: nextInode, memoryBytes: configuration.memoryBytes)
        reads = ReadCache(
            capacity: configuration.memoryBytes / 2, window: configuration.readAheadBytes)
        var root = Inode(
            number: .root,
            attributes: PosixMetadata.implicitDirectory(
                at: time, defaults: Self.defaults(configuration)),
            link: nil, base: nil, attributesKnown: false, checkedAt: .distantPast,
            lifetime: .zero)
        root.lookups = 1
        inodes[.root] = root
    }

    /// Takes over what may change at run time. Nothing outside of the state may keep a copy of these values;
    /// everything else stays as it was mounted.
    mutating func reconfigure(_ new: VolumeConfiguration) {
        configuration.fileAttributesMin = new.fileAttributesMin
        configuration.fileAttributesMax = new.fileAttributesMax
        configuration.directoryAttributesMin = new.directoryAttributesMin
        configuration.directoryAttributesMax = new.directoryAttributesMax
        configuration.lookupCache = new.lookupCache
        configuration.closeToOpen = new.closeToOpen
        configuration.memoryBytes = new.memoryBytes
        configuration.readAheadBytes = new.readAheadBytes
        configuration.writebackDelay = new.writebackDelay
        configuration.writebackDelayMax = new.writebackDelayMax
        configuration.uploadsMax = new.uploadsMax
        reads.resize(capacity: new.memoryBytes / 2, window: new.readAheadBytes)
        numbers.resize(memoryBytes: new.memoryBytes)
    }

    /// How many changes may be under way now.
    func uploadsMax(_ now: Instant) -> Int { pace.current(now, most: configuration.uploadsMax) }

    static func defaults(_ configuration: VolumeConfiguration) -> PosixMetadata.Defaults {
        PosixMetadata.Defaults(
            uid: configuration.uid, gid: configuration.gid,
            filePermissions: 0o666 & ~configuration.fileMask,
            directoryPermissions: 0o777 & ~configuration.directoryMask)
    }

    var defaults: PosixMetadata.Defaults { Self.defaults(configuration) }

    /// By the user's choice, or because the spool failed.
    var isReadOnly: Bool { configuration.readOnly || spoolFailure != nil }

    /// The number of a name found in the bucket.
    mutating func number(
        of name: EntryName, isDirectory: Bool, in parent: InodeNumber
    ) -> InodeNumber {
        let home = InodeNumbers.home(name, isDirectory: isDirectory, in: parent)
        let number = numbers.number(from: home)
        return inodes[number] == nil ? number : numbers.new()
    }

    mutating func newHandle() -> HandleID {
        defer { nextHandle += 1 }
        return HandleID(nextHandle)
    }
}

/// Knowledge that an operation lacks and the network (or the spool) can supply. One fetch of a kind
/// runs at a time; everybody who needs it waits for the same one.
enum Need: Hashable, Sendable {
    /// All names of a directory, or its first page if it is large.
    case list(InodeNumber)
    /// Whether a large directory has any name at all.
    case scan(InodeNumber)
    /// One page of a large directory, for its reader.
    case page(HandleID, Int)
    /// A name of a large directory, and those that follow it.
    case names(InodeNumber, EntryName)
    /// Whether one name exists in a large directory.
    case probe(InodeNumber, EntryName)
    /// The attributes of an object or of a directory's marker.
    case head(InodeNumber)
    /// A symbolic link's target.
    case target(InodeNumber)
    /// The first `length` bytes of a clean file, in a spool file.
    case hydrate(InodeNumber, length: UInt64)
    /// Which version of a file that is open the bucket has, for an append.
    case rebase(InodeNumber)
    /// An empty data file in place of one with a version to keep.
    case renew(InodeNumber)
    /// The tags of an object that has some.
    case tags(InodeNumber)
    /// A data file for a large object, to be changed in part.
    case part(InodeNumber)
    /// The bytes from an offset on, of a file that is here in part.
    case fill(InodeNumber, UInt64)
    /// All the bytes of such a file.
    case whole(InodeNumber)
    /// No write or fetch is about to change what is missing of such a file.
    case quiet(InodeNumber)
    /// The bucket's usage and quota.
    case usage
    /// No write is under way into a file that is to be copied.
    case still(InodeNumber)
    /// A file that was being copied can be changed again.
    case thawed(InodeNumber)
    /// A data file that ends at so many bytes, for one operation.
    case cut(InodeNumber, UInt64, UInt64)
    /// No request is under way for a key.
    case landing(ObjectAddress)
    /// No request is under way for any key below a directory.
    case landings(KeyPrefix)
    /// The copy that waits for a key, or those below a directory, are done.
    case landed(ObjectAddress)
    case landedBelow(KeyPrefix)
}
