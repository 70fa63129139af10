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
    /// What a listing must show for the attributes to be true still; nil: none can tell. See VolumeState+Known.
    var vouched: BaseVersion?
    var checkedAt: Instant
    var lifetime: Duration

    var content = Content.remote
    /// Only a part of the content is in the data file.
    var partial: Partial?
    /// The journal's ticket for the rows that its last write changed.
    var writeTicket: UInt64 = 0
    /// Counts changes of the bytes made through this mount.
    var generation = Generation(0)
    /// Written since the last close or fsync: not to be uploaded yet.
    var unflushed = false
    /// What the last close or fsync ended, while the bucket does not have it: it may not wait for ever for
    /// others who go on writing.
    var committed: Generation?
    /// How many copy its bytes or cut it, or wait to: nobody may write.
    var freezes = 0
    var isFrozen: Bool { freezes > 0 }
    /// Cuts that are done and whose operations do not know it yet. See FileSystem+Cut.
    var cuts: Set<UInt64> = []
    /// See NodeRecord.replacing.
    var replacing = false
    /// What the content replaces, if that is not an object.
    var replaced: ReplacedVersion?
    /// See NodeRecord.sealed.
    var sealed: Generation?
    /// The last generation that a close or fsync ended, of the bytes that `sealed` is about.
    var confirmed: Generation?
    /// The spool's disk did not take its bytes: see VolumeState.markBroken.
    var isBroken = false
    /// Counts versions that came from elsewhere: an open file of an older one is stale.
    var foreignVersion: UInt64 = 0
    /// The foreign version whose pages the kernel may still hold.
    var kernelVersion: UInt64?
    /// The foreign version whose attributes the kernel was told last.
    var toldVersion: UInt64 = 0
    /// When an open was told to look the name up anew, until one succeeds.
    var reopenedAt: Instant?
    /// How much later the file ends than the kernel believes: see VolumeState.place(_:).
    var appendShift: AppendShift?
    /// unlink, rmdir or rename of this mount took the name: who has it open goes on. A name that went otherwise
    /// was taken by another client.
    var isRemovedHere = false
    /// What was changed here and is not in the bucket yet. See VolumeState+Belief.
    var ownChanges = OwnChanges()
    /// The object was believed for so long when it was changed here that it is looked at before that is sent.
    var needsLook = false
    var failure: Failure?
    var symlinkTarget: [UInt8]?
    /// The kernel was told that it is a regular file, and it is not: it has to look the name up again.
    var isMistaken = false
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

    /// The data file when it has the whole content.
    var spoolFile: (any SpoolFile)? { partial == nil ? dataFile : nil }

    /// The data file, whole or not.
    var dataFile: (any SpoolFile)? {
        if case .spool(_, let file) = content { file } else { nil }
    }

    var dataID: DataID? {
        if case .spool(let id, _) = content { id } else { nil }
    }

    /// The data file, if there is one, holds nothing but what the bucket has, unless the key has changes that wait.
    var hasCopy: Bool {
        link != nil && !unflushed && writesUnderWay == 0 && attributes.kind == .regular
            && base?.size == attributes.size
    }

    /// Nothing is believed until it is asked for again.
    mutating func distrust() {
        checkedAt = .distantPast
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
        /// When the bucket was asked.
        var seenAt: Instant
    }

    enum Entry: Sendable {
        case listed(Listed)
        case inode(InodeNumber)
    }

    private(set) var entries: [EntryName: Entry] = [:]
    /// Names as they were before their changes, while an operation is noted. See InodeTable.
    var noted: [(EntryName, Entry?)]?
    var entryCount: Int { entries.count }
    /// The names of a long directory as readdir shows them, until one changes: those who read it at the
    /// same time share them.
    var shown: [OpenDirectory.Name]?
    /// How many entries are inodes.
    private(set) var inodeCount = 0
    /// Names found absent in a large directory, and when.
    var absent: [EntryName: Instant] = [:]
    /// Names that listings showed and that the server, asked for each, said were not there.
    var denied = DeniedNames()
    /// When the whole directory was last listed; nil: never, or not completely.
    var listedAt: Instant?
    /// More names than one page: single names are asked for instead of listing it all.
    var isLarge = false
    /// When a page of a large directory was last read.
    var pagedAt: Instant?
    /// The name from which the last page that was not read for readdir began.
    var pagedFrom: EntryName?
    /// When a scan of a large directory last found a name.
    var occupiedAt: Instant?
    /// The marker object exists (or is about to).
    var hasMarker = false
    /// Bytes of the marker that the last listing showed: what other programs keep at the directory's own key.
    var markerBytes: UInt64 = 0
    /// Subdirectories that are, or are also, an empty object without a slash. See PosixMetadata.isOldMarker.
    var oldMarkers: [EntryName: BaseVersion] = [:]
    /// Subdirectories beside which the last listing showed an empty object of their name: perhaps such a one.
    var shadowed: [EntryName: BaseVersion] = [:]
    /// When the server last refused to list it.
    var deniedAt: Instant?
    /// Made here and not in the bucket yet: what is below it is known without asking.
    var isNew = false
    /// Something below it has been in the bucket since: after a crash, this mount alone does not know its names.
    var hasSent = false
    /// When a name was last added or removed through this mount: an older marker's times are out of date.
    var touchedAt: WallTime?
    /// Keys under this directory that are no names; hidden.
    var hidden = 0
    /// Listings and probes on their way; while there are any, `settled` is kept.
    var loads = 0
    /// Names whose local change reached the bucket while a load was under way, and when: what was asked of them
    /// before that is old.
    var settled: [EntryName: Instant] = [:]
    /// The listed names, sorted; used to read attributes ahead.
    var order: [EntryName] = []
    /// Attribute reads that had to wait since the last listing.
    var attributeMisses = 0
    /// Its names were read since the last listing: attributes of many will be wanted.
    var wasRead = false
    /// Whose attributes HEAD told last since the last listing.
    var askedFor: EntryName?
    /// The marker as the last listing showed it, and when that was asked for.
    var listedMarker: (version: BaseVersion, at: Instant)?
    /// The same by inode number, for those who read in that order.
    var numbered: [(number: InodeNumber, name: EntryName)] = []
    /// The name up to which attributes have been asked for, and the number.
    var attributesAskedTo: EntryName?
    var numberAskedTo: InodeNumber?
    /// Whether its files are being read one after another.
    var following = Following()
    /// How many of its directories may be listed instead of being asked for their attributes: some were opened.
    var listsAhead = 0

    /// An answer about this name to a question of that time is older than a change of ours.
    func isOld(_ name: EntryName, askedAt: Instant) -> Bool {
        settled[name].map { askedAt <= $0 } ?? false
    }

    /// For an image that shows the flags only.
    mutating func forgetNames() {
        entries = [:]
        shown = nil
        absent = [:]
        settled = [:]
        order = []
        numbered = []
    }

    subscript(name: EntryName) -> Entry? {
        get { entries[name] }
        set {
            let old = entries[name]
            noted?.append((name, old))
            if case .inode = old { inodeCount -= 1 }
            if case .inode = newValue { inodeCount += 1 }
            entries[name] = newValue
            shown = nil
        }
    }
}

// MARK: What a power cut leaves

extension Inode {
    /// close or fsync. After a power cut a version is whole or not there: what was synced while it was being
    /// written, as an empty file that somebody just created, is no part of the version that ends here. What
    /// was synced of an earlier version may stay with later bytes in it. Source: writeback.md R5, C4.
    mutating func confirm() {
        unflushed = false
        if let sealed, sealed != generation, confirmed.map({ $0 > sealed }) ?? true {
            self.sealed = nil
        }
        confirmed = generation
    }

    /// The bytes that were synced are gone: another data file, or cut to nothing.
    mutating func forgetSeal() {
        sealed = nil
        confirmed = nil
    }
}
