package import RGWBase
package import RGWObject

/// The object version that a file was last known to agree with.
package struct BaseVersion: Equatable, Sendable {
    package var etag: ETag
    package var size: UInt64
    package var lastModified: WallTime
    package init(etag: ETag, size: UInt64, lastModified: WallTime) {
        self.etag = etag
        self.size = size
        self.lastModified = lastModified
    }

    /// Whether both are the same bytes. An ETag that comes with two sizes names two versions: a server that is
    /// mistaken must not make a reader see one's length with the other's bytes.
    package func isSameVersion(as other: BaseVersion) -> Bool {
        etag == other.etag && size == other.size
    }

    /// The same version, last changed in the same second: HEAD tells no fractions, and LIST does not always.
    package func isSameToTheSecond(as other: BaseVersion) -> Bool {
        isSameVersion(as: other) && lastModified.seconds == other.lastModified.seconds
    }

    /// The same, and in the same fraction of it where both tell one: its metadata is the same too.
    package func isSame(as other: BaseVersion) -> Bool {
        let fractions = (lastModified.nanoseconds, other.lastModified.nanoseconds)
        return isSameToTheSecond(as: other)
            && (fractions.0 == fractions.1 || fractions.0 == 0 || fractions.1 == 0)
    }

    /// What HEAD or GET tells of an object.
    package init(_ head: ObjectHead) {
        self.init(etag: head.etag, size: head.size, lastModified: head.lastModified)
    }

    /// What a listing tells of one.
    package init(_ listed: ListedObject) {
        self.init(etag: listed.etag, size: listed.size, lastModified: listed.lastModified)
    }
}

/// A file, directory or symlink with local changes, as the journal keeps it.
package struct NodeRecord: Equatable, Sendable {
    package var inode: InodeNumber
    package var attributes: FileAttributes
    /// The data file with the whole local content; nil when the content is the base's or empty.
    package var data: DataID?
    package var generation: Generation
    /// Headers to keep with the object, and the user metadata that rgwfs does not own.
    package var metadata: ObjectMetadata
    package var base: BaseVersion?
    /// The content replaces the base from scratch and no close or fsync has confirmed it yet: after a crash the old
    /// object stays and this content goes to `lost/`. Of a directory: it was made here, and neither it nor anything
    /// below it has been in the bucket.
    package var replacing: Bool
    /// The generation whose bytes are known to be on the spool's disk; nil: none yet. After a power cut
    /// content that was never sealed is not to be trusted.
    package var sealed: Generation?
    /// What the content replaces, when that is not an object.
    package var replaced: ReplacedRecord?
    /// The spool's disk refused some of the content: no later sync of it tells anything.
    package var isBroken: Bool

    package init(
        inode: InodeNumber, attributes: FileAttributes, data: DataID?, generation: Generation,
        metadata: ObjectMetadata, base: BaseVersion?, replacing: Bool,
        sealed: Generation? = nil, replaced: ReplacedRecord? = nil, isBroken: Bool = false
    ) {
        self.inode = inode
        self.attributes = attributes
        self.data = data
        self.generation = generation
        self.metadata = metadata
        self.base = base
        self.replacing = replacing
        self.sealed = sealed
        self.replaced = replaced
        self.isBroken = isBroken
    }

    /// Every data file that the row names: of the content, and of what it replaces.
    package var dataFiles: [DataID] { [data, replaced?.data].compactMap(\.self) }

    /// Those of them whose bytes are known to be on the spool's disk.
    package var sealedDataFiles: [DataID] {
        [sealed == nil ? nil : data, replaced?.sealed == nil ? nil : replaced?.data]
            .compactMap(\.self)
    }

    /// The size of the version that a data file has.
    package func size(in data: DataID) -> UInt64 {
        if let replaced, replaced.data == data { return replaced.size }
        return attributes.size
    }

    /// What a crash leaves of a file.
    package enum Survivor: Equatable, Sendable {
        case current
        case replaced(ReplacedRecord)
        /// What the bucket has; without an object, nothing.
        case object
    }

    /// A replacement that no close or fsync confirmed never hides what it replaces; after a power cut, bytes
    /// that never reached the disk are not to be trusted. Source: writeback.md R5.
    package func survivor(afterPowerCut: Bool) -> Survivor {
        if data == nil || !replacing && (!afterPowerCut || sealed != nil) { return .current }
        if let replaced, !afterPowerCut || replaced.sealed != nil { return .replaced(replaced) }
        return .object
    }
}

/// An earlier version of a file, with a data file of its own: a version that some close or fsync ended, kept
/// until another one is confirmed and on the disk.
package struct ReplacedRecord: Equatable, Sendable {
    package var data: DataID
    package var size: UInt64
    package var mtime: WallTime
    package var generation: Generation
    /// See NodeRecord.sealed.
    package var sealed: Generation?
    /// See NodeRecord.isBroken.
    package var isBroken: Bool
    package init(
        data: DataID, size: UInt64, mtime: WallTime, generation: Generation, sealed: Generation?,
        isBroken: Bool = false
    ) {
        self.data = data
        self.size = size
        self.mtime = mtime
        self.generation = generation
        self.sealed = sealed
        self.isBroken = isBroken
    }
}

/// A data file that has only a part of its content: the rest is an object's, until it is fetched.
package struct PartialRecord: Equatable, Sendable {
    package var inode: InodeNumber
    /// Where the rest is, and in which version.
    package var source: ObjectAddress
    package var etag: ETag
    /// The object's bytes count below it; above, the data file is all there is.
    package var length: UInt64

    package init(inode: InodeNumber, source: ObjectAddress, etag: ETag, length: UInt64) {
        self.inode = inode
        self.source = source
        self.etag = etag
        self.length = length
    }
}

/// Bytes of such a file that were written here: the object's never replace them. After a power cut they
/// count when the node is sealed at this generation or a later one.
package struct ExtentRecord: Equatable, Sendable {
    package var inode: InodeNumber
    package var range: Range<UInt64>
    package var generation: Generation

    package init(inode: InodeNumber, range: Range<UInt64>, generation: Generation) {
        self.inode = inode
        self.range = range
        self.generation = generation
    }
}

/// The state a key shall have next. One record a key: writing it again is what coalesces changes.
package struct IntentRecord: Equatable, Sendable {
    package enum Want: UInt8, Sendable, CaseIterable {
        /// PUT the node's content and metadata.
        case put = 1
        /// Copy the object onto itself with the node's metadata.
        case metadata = 2
        /// Delete the object.
        case delete = 3
        /// PUT the directory marker.
        case makeDirectory = 4
        /// Delete the directory marker, after everything below it.
        case removeDirectory = 5
        /// Copy `source` here: what a rename of an object leaves to do. With a node, its metadata
        /// replaces the source's; without one, the source's stays.
        case copy = 6

        package var isDeletion: Bool { self == .delete || self == .removeDirectory }
    }

    package var address: ObjectAddress
    package var want: Want
    /// The node behind put, metadata and makeDirectory.
    package var inode: InodeNumber?
    /// The tag the key is believed to have now; nil: no object.
    package var base: ETag?
    /// This intent may start only when the intent at that key is gone (rename: destination first).
    package var after: ObjectAddress?
    /// When the oldest change in it was made.
    package var born: WallTime
    /// What `copy` copies. Nothing else may happen to that key before. Of `put`: what is copied should
    /// the node's content not survive a power cut.
    package var source: CopySource?
    /// Another client changed the object, and the user is to say which version stays: whatever a later mount's
    /// options are.
    package var isConflict: Bool

    package init(
        address: ObjectAddress, want: Want, inode: InodeNumber?, base: ETag?,
        after: ObjectAddress?, born: WallTime, source: CopySource? = nil, isConflict: Bool = false
    ) {
        self.isConflict = isConflict
        self.address = address
        self.want = want
        self.inode = inode
        self.base = base
        self.after = after
        self.born = born
        self.source = source
    }
}

/// An object that is to appear under another key, in the version that was there when it was renamed.
package struct CopySource: Equatable, Sendable {
    package var address: ObjectAddress
    package var version: BaseVersion
    package init(address: ObjectAddress, version: BaseVersion) {
        self.address = address
        self.version = version
    }
}

/// A request that changes a key, noted before it is sent and until its outcome is known. After a crash
/// the object itself tells by its tag whether the request took effect. One record a key.
package struct FlightRecord: Equatable, Sendable {
    package var address: ObjectAddress
    package var want: IntentRecord.Want
    /// The tag that the key was required to have; nil: none, or no requirement.
    package var base: ETag?
    /// The tags the key may get: by this request, and by earlier ones whose outcome never became known.
    package var tags: [ETag]
    /// How many such requests there are.
    package var sends: Int
    /// Such a request may overwrite or delete whatever is there when it takes effect.
    package var isUnconditional: Bool
    /// When the latest of them was sent.
    package var started: WallTime
    /// The multipart upload it is; nil: one request.
    package var upload: UploadRecord?
    /// One of them is a deletion.
    package var mayDelete: Bool

    package init(
        address: ObjectAddress, want: IntentRecord.Want, base: ETag?, tags: [ETag],
        sends: Int = 1, isUnconditional: Bool, started: WallTime, upload: UploadRecord? = nil,
        mayDelete: Bool = false
    ) {
        self.mayDelete = mayDelete
        self.address = address
        self.want = want
        self.base = base
        self.tags = tags
        self.sends = sends
        self.isUnconditional = isUnconditional
        self.started = started
        self.upload = upload
    }
}

/// A multipart upload that the server knows.
package struct UploadRecord: Equatable, Sendable {
    package var id: String
    /// Bytes of every part but the last.
    package var partSize: UInt64
    /// The content it sends.
    package var generation: Generation
    package var size: UInt64
    /// A digest of the metadata it was begun with, which the object will have.
    package var metadata: UInt64
    package init(
        id: String, partSize: UInt64, generation: Generation, size: UInt64, metadata: UInt64
    ) {
        self.id = id
        self.partSize = partSize
        self.generation = generation
        self.size = size
        self.metadata = metadata
    }
}

/// One step of a transaction.
package enum JournalChange: Equatable, Sendable {
    /// Insert or replace.
    case node(NodeRecord)
    case removeNode(InodeNumber)
    /// Insert or replace.
    case intent(IntentRecord)
    case removeIntent(ObjectAddress)
    /// Insert or replace.
    case flight(FlightRecord)
    case removeFlight(ObjectAddress)
    /// Insert or replace; its extents stay.
    case partial(PartialRecord)
    case extent(ExtentRecord)
    /// The extents too.
    case removePartial(InodeNumber)
}

/// Everything a journal holds, as recovery reads it.
package struct JournalContents: Equatable, Sendable {
    package var nodes: [NodeRecord]
    package var intents: [IntentRecord]
    package var flights: [FlightRecord]
    package var partials: [PartialRecord] = []
    package var extents: [ExtentRecord] = []
    /// Identifiers above every one ever committed.
    package var nextInode: InodeNumber
    package var nextData: DataID

    package init(
        nodes: [NodeRecord] = [], intents: [IntentRecord] = [],
        flights: [FlightRecord] = [], nextInode: InodeNumber = InodeNumber(2),
        nextData: DataID = DataID(1)
    ) {
        self.nodes = nodes
        self.intents = intents
        self.flights = flights
        self.nextInode = nextInode
        self.nextData = nextData
    }
}
