package import RGWBase

/// The headers that S3 keeps with an object and gives back with it.
///
/// A copy with REPLACE drops what is not sent again (measured on RGW 16), so a metadata change starts
/// from what HEAD returned and keeps every field.
package struct ObjectMetadata: Equatable, Sendable {
    package var contentType: String?
    package var cacheControl: String?
    package var contentDisposition: String?
    package var contentEncoding: String?
    package var contentLanguage: String?
    package var expires: String?
    /// `x-amz-website-redirect-location`.
    package var websiteRedirect: String?
    package var storage = StorageTraits()
    /// `x-amz-meta-*`, names in lower case without that prefix, values as sent.
    package var user: [String: String]
    /// How many tags HEAD says the object has.
    package var tagCount = 0
    /// The tags, as `x-amz-tagging` has them (`a=1&b=2`, percent-encoded); nil: none, or not asked for.
    package var tags: String?

    package init(
        contentType: String? = nil, cacheControl: String? = nil, contentDisposition: String? = nil,
        contentEncoding: String? = nil, contentLanguage: String? = nil, expires: String? = nil,
        user: [String: String] = [:]
    ) {
        self.contentType = contentType
        self.cacheControl = cacheControl
        self.contentDisposition = contentDisposition
        self.contentEncoding = contentEncoding
        self.contentLanguage = contentLanguage
        self.expires = expires
        self.user = user
    }
}

/// How the server keeps an object's bytes. A copy or an upload that does not name it again is kept as the
/// bucket's default says (a copy: on RGW 20; measured).
package struct StorageTraits: Hashable, Sendable {
    /// `x-amz-storage-class`; nil: the bucket's default.
    package var storageClass: String?
    /// `x-amz-server-side-encryption`: `AES256` or `aws:kms`; nil: not encrypted, or by the server's default key.
    package var encryption: String?
    /// `x-amz-server-side-encryption-aws-kms-key-id`.
    package var encryptionKey: String?

    package init(
        storageClass: String? = nil, encryption: String? = nil, encryptionKey: String? = nil
    ) {
        self.storageClass = storageClass
        self.encryption = encryption
        self.encryptionKey = encryptionKey
    }
}

/// What HEAD and GET say of an object.
package struct ObjectHead: Equatable, Sendable {
    package var etag: ETag
    /// Bytes of the whole object, also when a range was asked.
    package var size: UInt64
    /// Whole seconds (HTTP date).
    package var lastModified: WallTime
    package var metadata: ObjectMetadata
    /// The server's time when it answered, in whole seconds; nil: it does not tell. Source: RFC 9110, Date.
    package var answeredAt: WallTime?

    package init(
        etag: ETag, size: UInt64, lastModified: WallTime, metadata: ObjectMetadata,
        answeredAt: WallTime? = nil
    ) {
        self.etag = etag
        self.size = size
        self.lastModified = lastModified
        self.metadata = metadata
        self.answeredAt = answeredAt
    }
}

/// One object of a listing.
package struct ListedObject: Equatable, Sendable {
    package var key: ObjectKey
    package var etag: ETag
    package var size: UInt64
    /// Milliseconds on RGW.
    package var lastModified: WallTime

    package init(key: ObjectKey, etag: ETag, size: UInt64, lastModified: WallTime) {
        self.key = key
        self.etag = etag
        self.size = size
        self.lastModified = lastModified
    }
}

/// One page of ListObjectsV2.
package struct ListPage: Equatable, Sendable {
    package var objects: [ListedObject]
    /// Each ends in `/`; empty without a delimiter.
    package var commonPrefixes: [ObjectKey]
    /// Where the next page starts (`start-after`); nil at the end. Made from the last decoded key or
    /// prefix, because RGW's NextContinuationToken is not encoded under encoding-type=url.
    package var next: ObjectKey?

    package init(objects: [ListedObject], commonPrefixes: [ObjectKey], next: ObjectKey?) {
        self.objects = objects
        self.commonPrefixes = commonPrefixes
        self.next = next
    }
}

/// A bucket as ListBuckets shows it.
package struct ListedBucket: Equatable, Sendable {
    package var name: BucketName
    package var created: WallTime
    package init(name: BucketName, created: WallTime) {
        self.name = name
        self.created = created
    }
}

/// What HEAD bucket says on RGW (`X-RGW-*`); nil where the server does not tell.
package struct BucketUsage: Equatable, Sendable {
    package var objects: UInt64?
    package var bytes: UInt64?
    /// Negative on the wire means unlimited and is nil here.
    package var quotaBytes: UInt64?
    package var quotaObjects: UInt64?

    package init(
        objects: UInt64? = nil, bytes: UInt64? = nil, quotaBytes: UInt64? = nil,
        quotaObjects: UInt64? = nil
    ) {
        self.objects = objects
        self.bytes = bytes
        self.quotaBytes = quotaBytes
        self.quotaObjects = quotaObjects
    }
}
