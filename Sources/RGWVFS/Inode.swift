import RGWBase
import RGWObject
import RGWSpool

/// Everything known of one file or directory. Guarded by the volume's state.
struct Inode: Sendable {
    /// Where the current bytes are.
    enum Content: Sendable {
        /// In the bucket, as `base` names them; no base means empty.
        case remote
        /// Whole, in a spool file.
        case spool(DataID, any SpoolFile)
    }

    /// A write-back failure, reported once to every open file. Source: errseq in the kernel's
    /// Documentation/core-api/errseq.rst.
    struct Failure: Sendable {
        var error: FileSystemError
        var sequence: UInt64
        /// Somebody was told: who opens the file later is not.
        var isReported = false
    }

    let number: InodeNumber
    var attributes: FileAttributes
    /// nil for the root, and for a file without a name (unlinked and still open).
    var link: Link?
    struct Link: Sendable, Equatable {
        var parent: InodeNumber
        var name: EntryName
    }

    /// How often the kernel holds it: taken by entry replies, given back by forget.
    var lookups: UInt64 = 0
    var opens = 0
    var writers = 0
    /// Bytes on their way into the data file, without the lock.
    var writesUnderWay = 0

    /// Headers and user metadata that rgwfs does not own but keeps.
    var metadata = ObjectMetadata()
    var base: BaseVersion?
    /// The attributes are the object's own (HEAD, or made here), not the listing's defaults.
    var attributesKnown: Bool
    var checkedAt: Instant
    var lifetime: Duration

    var content = Content.remote
    /// Counts changes of the bytes made through this mount.
    var generation = Generation(0)
    /// Written since the last close or fsync: not to be uploaded yet.
    var unflushed = false
    /// See NodeRecord.replacing.
    var replacing = false
    /// See NodeRecord.sealed.
    var sealed: Generation?
    /// Counts versions that came from elsewhere: an open file of an older one is stale.
    var foreignVersion: UInt64 = 0
    /// The foreign version whose pages the kernel may still hold.
    var kernelVersion: UInt64?
    var failure: Failure?
    var symlinkTarget: [UInt8]?
    /// Directories only.
    var directory: Directory?

    init(
        number: InodeNumber, attributes: FileAttributes, link: Link?, base: BaseVersion?,
        attributesKnown: Bool, checkedAt: Instant, lifetime: Duration
    ) {
        self.number = number
        self.attributes = attributes
        self.link = link
        self.base = base
        self.attributesKnown = attributesKnown
        self.checkedAt = checkedAt
        self.lifetime = lifetime
        if attributes.kind == .directory { directory = Directory() }
    }

    var isDirectory: Bool { attributes.kind == .directory }

    var spoolFile: (any SpoolFile)? {
        if case .spool(_, let file) = content { file } else { nil }
    }

    var dataID: DataID? {
        if case .spool(let id, _) = content { id } else { nil }
    }

    /// Believed now: checked since the operation began, or within its lifetime.
    func isFresh(now: Instant, since: Instant) -> Bool {
        checkedAt >= since || now < checkedAt + lifetime
    }
}

/// What is known of a directory's names.
struct Directory: Sendable {
    /// A name that no operation has needed an inode for.
    struct Listed: Sendable {
        var number: InodeNumber
        /// nil: a directory (common prefix).
        var object: BaseVersion?
    }

    enum Entry: Sendable {
        case listed(Listed)
        case inode(InodeNumber)
    }

    private(set) var entries: [EntryName: Entry] = [:]
    var entryCount: Int { entries.count }
    /// How many entries are inodes.
    private(set) var inodeCount = 0
    /// Names found absent in a large directory, and when.
    var absent: [EntryName: Instant] = [:]
    /// When the whole directory was last listed; nil: never, or not completely.
    var listedAt: Instant?
    /// More names than one page: single names are asked for instead of listing it all.
    var isLarge = false
    /// When a scan of a large directory last found a name.
    var occupiedAt: Instant?
    /// The marker object exists (or is about to).
    var hasMarker = false
    /// Made here and not in the bucket yet: what is below it is known without asking.
    var isNew = false
    /// When a name was last added or removed through this mount: an older marker's times are out of date.
    var touchedAt: WallTime?
    /// Keys under this directory that are no names; hidden.
    var hidden = 0
    /// Listings and probes on their way; while there are any, `settled` is kept.
    var loads = 0
    /// Names whose local change reached the bucket while a load was under way: the load's answer for them is old.
    var settled: Set<EntryName> = []
    /// Names in readdir order, from the last snapshot; used to read attributes ahead.
    var order: [EntryName] = []
    /// Attribute reads that had to wait since the last listing.
    var attributeMisses = 0
    /// `order` index up to which attributes have been asked for.
    var attributesAskedTo = 0

    subscript(name: EntryName) -> Entry? {
        get { entries[name] }
        set {
            let old = entries[name]
            if case .inode = old { inodeCount -= 1 }
            if case .inode = newValue { inodeCount += 1 }
            entries[name] = newValue
        }
    }
}
