package import RGWBase

/// Bytes to upload that live in a file; kept open for as long as a request holds the reference.
package protocol BodyFile: AnyObject, Sendable {
    /// Open for reading; transports `pread` from it.
    var descriptor: Int32 { get }
    /// Up to `count` bytes from `offset`, shorter only at the end; nil when they cannot be read. For
    /// digests of what is about to be sent.
    func contents(at offset: UInt64, count: Int) -> [UInt8]?
    /// A transport has taken this many bytes more to send: the request moves.
    func noteSent(_ count: Int)
}

extension BodyFile {
    /// For files whose owner does not ask.
    package func noteSent(_ count: Int) {}
}

/// What a PUT sends.
package enum ObjectBody: Sendable {
    case bytes([UInt8])
    /// `length` bytes from `offset` of an open file, read while they are sent.
    case file(any BodyFile, offset: UInt64, length: UInt64)

    package var length: UInt64 {
        switch self {
        case .bytes(let bytes): UInt64(bytes.count)
        case .file(_, _, let length): length
        }
    }
}

/// What must hold for a PUT to take effect.
package enum Precondition: Hashable, Sendable {
    case none
    /// `If-None-Match: *`: the key must not exist.
    case absent
    /// `If-Match`: the key must have this tag. RGW 16 wants it without quotes.
    case matches(ETag)
}

/// Which connections a request may use, so that metadata never waits behind bulk data.
package enum Lane: Hashable, Sendable, CaseIterable {
    case metadata
    case bulk
}

/// The answer to a PUT or COPY.
package struct Stored: Equatable, Sendable {
    package var etag: ETag
    /// From COPY's answer, or the Date header of a PUT's; whole seconds.
    package var lastModified: WallTime
    package init(etag: ETag, lastModified: WallTime) {
        self.etag = etag
        self.lastModified = lastModified
    }
}

/// The answer to a DELETE of one version.
package enum Deletion: Hashable, Sendable, CaseIterable {
    case deleted
    /// There was nothing to delete.
    case absent
}

/// A key that DeleteObjects could not delete.
package struct DeleteFailure: Equatable, Sendable {
    package var key: ObjectKey
    package var error: ObjectStoreError
    package init(key: ObjectKey, error: ObjectStoreError) {
        self.key = key
        self.error = error
    }
}

/// A request under way. Cancelling is a hint: the completion still comes, once.
package protocol Cancellable: Sendable {
    func cancel()
}

package typealias Completion<Answer> = @Sendable (Result<Answer, ObjectStoreError>) -> Void

/// The S3 operations that rgwfs needs, as a port: RGWClient's `S3ObjectStore` speaks to a real RGW,
/// RGWTestKit's `StrictObjectStore` keeps objects in memory and forgives less.
///
/// Every call returns at once; its completion is called exactly once, on any thread (never before
/// the call returned, never under a lock of the store), and must not block for long.
/// Retries of what is safe to retry happen inside; an error is final.
package protocol ObjectStore: Sendable {
    /// The same store, which tells `progress` how the requests that are made through it get on. Those that do not
    /// come from a network have nothing to tell.
    func watched(by progress: RequestProgress) -> any ObjectStore

    /// Sending a body takes a digest of all of it first, on the thread that sends.
    var digestsBodies: Bool { get }

    @discardableResult
    func head(
        _ address: ObjectAddress, completion: @escaping Completion<ObjectHead>
    )
        -> any Cancellable

    /// Delivers `range` (nil: everything) in order, in blocks of `blockSize` bytes (the last may be shorter).
    /// With `matching`, a changed object fails with preconditionFailed, so that no read mixes versions.
    /// A retry after a broken answer goes on where it stopped and requires the same ETag.
    ///
    /// No byte is delivered before the answer's head is known to fit: the bytes that were asked for, all of them,
    /// of the version that was asked for and of the size that is expected. Another tag than `matching` is
    /// preconditionFailed, anything else malformedAnswer.
    @discardableResult
    func get(
        _ address: ObjectAddress, range: Range<UInt64>?, matching: ETag?,
        expecting: ExpectedObject, lane: Lane, blockSize: Int,
        onBlock: @escaping @Sendable ([UInt8]) -> Void,
        completion: @escaping Completion<ObjectHead>
    ) -> any Cancellable

    /// One PUT. `md5` is the body's MD5 (16 bytes), sent as Content-MD5 and compared with the ETag.
    @discardableResult
    func put(
        _ address: ObjectAddress, body: ObjectBody, md5: [UInt8], metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable

    /// Upload in parts for bodies over the limit of one PUT (5 GiB); aborted when it fails.
    /// The precondition is checked by HEAD before completing where the server ignores it there.
    @discardableResult
    func putMultipart(
        _ address: ObjectAddress, body: ObjectBody, metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable

    /// The steps of an upload in parts, for callers that keep their own account of it and go on after
    /// a restart. `metadata` is what the whole object will have.
    @discardableResult
    func createUpload(
        _ address: ObjectAddress, metadata: ObjectMetadata,
        completion: @escaping Completion<UploadID>
    ) -> any Cancellable

    /// One part; a part of that number that is there already is replaced. `number` is 1 ... 10,000,
    /// `md5` is the part's, sent as Content-MD5 and compared with its ETag. Every part but the last
    /// must have 5 MiB at least, or completing fails.
    @discardableResult
    func putPart(
        _ upload: MultipartUploadAddress, number: Int, body: ObjectBody, md5: [UInt8],
        completion: @escaping Completion<UploadedPart>
    ) -> any Cancellable

    /// What the server has of an upload, by number: all of it. noSuchUpload when it was completed or
    /// aborted, or never was.
    @discardableResult
    func listParts(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<[ListedPart]>
    ) -> any Cancellable

    /// Puts the parts together: every part that was sent, from 1 on without gaps. Also succeeds when
    /// the upload is gone because an earlier call completed it: the object has the ETag then.
    /// The precondition is checked by HEAD just before, where the server ignores it here.
    @discardableResult
    func completeUpload(
        _ upload: MultipartUploadAddress, parts: [UploadedPart], precondition: Precondition,
        completion: @escaping Completion<Stored>
    ) -> any Cancellable

    /// The tag of the object that these parts make, numbered from 1 without gaps; nil: not known before.
    func etag(of parts: [UploadedPart]) -> ETag?

    /// Frees the parts. Succeeds also when the upload is gone.
    @discardableResult
    func abortUpload(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<Void>
    ) -> any Cancellable

    /// One page of uploads that were neither completed nor aborted, by key and then id. `limit` is
    /// 1 ... 1000; `after` is the last one of the page before.
    @discardableResult
    func listUploads(
        _ bucket: BucketName, prefix: ObjectKey?, after: OpenUpload?, limit: Int,
        completion: @escaping Completion<UploadPage>
    ) -> any Cancellable

    /// CopyObject. `metadata` replaces all of the source's, tags included (REPLACE directive); nil keeps the source's
    /// (COPY directive; not allowed onto itself), but `storage` has to be named again. `sourceMatching` guards the
    /// source: preconditionFailed when it has another tag.
    @discardableResult
    func copy(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        storage: StorageTraits, sourceMatching: ETag?, completion: @escaping Completion<Stored>
    ) -> any Cancellable

    /// The object's tags, as `ObjectMetadata.tags` has them.
    @discardableResult
    func tags(
        of address: ObjectAddress, completion: @escaping Completion<String>
    )
        -> any Cancellable

    /// Replaces the object's tags.
    @discardableResult
    func setTags(
        _ tags: String, of address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable

    /// Succeeds also when the key does not exist (S3's rule).
    @discardableResult
    func delete(
        _ address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable

    /// DELETE of one version: fails with preconditionFailed, and deletes nothing, when the key has
    /// another tag. `matching` nil deletes whatever is there, and then answers `deleted`.
    ///
    /// Where the server ignores If-Match on DELETE (RGW before 20.2.1, measured on 16) the tag is
    /// compared by a HEAD just before: a version that somebody writes between the two is deleted.
    /// `isConfirmed`: the server was seen to have the tag so recently that such a HEAD tells nothing new.
    @discardableResult
    func delete(
        _ address: ObjectAddress, matching: ETag?, isConfirmed: Bool,
        completion: @escaping Completion<Deletion>
    ) -> any Cancellable

    /// DeleteObjects: at most 1,000 keys of one bucket. The answer lists the keys that failed.
    @discardableResult
    func delete(
        _ keys: [ObjectKey], in bucket: BucketName,
        completion: @escaping Completion<[DeleteFailure]>
    ) -> any Cancellable

    /// One page in byte order. `delimited` groups by `/`. `limit` is 1 ... 1000.
    @discardableResult
    func list(
        _ bucket: BucketName, prefix: ObjectKey?, delimited: Bool, after: ObjectKey?, limit: Int,
        completion: @escaping Completion<ListPage>
    ) -> any Cancellable

    @discardableResult
    func headBucket(
        _ bucket: BucketName, completion: @escaping Completion<BucketUsage>
    )
        -> any Cancellable
    @discardableResult
    func listBuckets(completion: @escaping Completion<[ListedBucket]>) -> any Cancellable
    @discardableResult
    func createBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    @discardableResult
    func deleteBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
}

extension ObjectStore {
    package func watched(by progress: RequestProgress) -> any ObjectStore { self }

    package var digestsBodies: Bool { false }
}
