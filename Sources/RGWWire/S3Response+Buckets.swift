package import RGWObject

extension S3Response {
    /// One page of ListObjectsV2, if it answers what was asked for.
    package func listPage(answering query: ListQuery) throws(S3Failure) -> ListPage {
        let page = try listPage()
        do { return try query.checked(page) } catch { throw malformed(error.rawValue) }
    }

    /// One page of ListObjectsV2. What starts the next page is the last key or prefix of this one,
    /// never NextContinuationToken: RGW does not encode it under encoding-type=url.
    package func listPage() throws(S3Failure) -> ListPage {
        try requireSuccess()
        var xml = try reader(root: "ListBucketResult")
        let raw = try parsing { () throws(XMLError) in try RawListing(&xml) }
        var objects: [ListedObject] = []
        objects.reserveCapacity(raw.entries.count)
        for entry in raw.entries { objects.append(try object(entry, encoded: raw.encoded)) }
        var prefixes: [ObjectKey] = []
        for prefix in raw.prefixes { prefixes.append(try key(prefix, encoded: raw.encoded)) }
        var next: ObjectKey?
        if raw.truncated {
            next = [objects.map(\.key).max(), prefixes.max()].compactMap(\.self).max()
            guard next != nil else { throw malformed("a truncated page without a key") }
        }
        return ListPage(objects: objects, commonPrefixes: prefixes, next: next)
    }

    private func object(
        _ entry: RawListing.Entry, encoded: Bool
    ) throws(S3Failure)
        -> ListedObject
    {
        guard let size = Self.size(entry.size) else { throw malformed("size of a listed object") }
        guard let time = CivilTime.parseISO8601(entry.lastModified) else {
            throw malformed("LastModified of a listed object")
        }
        let key = try key(entry.key, encoded: encoded)
        return ListedObject(key: key, etag: ETag(entry.etag), size: size, lastModified: time)
    }

    private func key(_ text: [UInt8], encoded: Bool) throws(S3Failure) -> ObjectKey {
        guard let bytes = encoded ? URIEncoding.decode(text) : text, let key = try? ObjectKey(bytes)
        else { throw malformed("a listed key") }
        return key
    }

    /// ListAllMyBucketsResult.
    package func buckets() throws(S3Failure) -> [ListedBucket] {
        try requireSuccess()
        var xml = try reader(root: "ListAllMyBucketsResult")
        let raw = try parsing { () throws(XMLError) -> [(name: String, created: String)] in
            var buckets: [(name: String, created: String)] = []
            while let name = try xml.nextChild() {
                guard name == "Buckets" else {
                    try xml.skip()
                    continue
                }
                while let name = try xml.nextChild() {
                    if name == "Bucket" {
                        buckets.append(try Self.bucket(&xml))
                    } else {
                        try xml.skip()
                    }
                }
            }
            try xml.finish()
            return buckets
        }
        var buckets: [ListedBucket] = []
        for (name, created) in raw {
            guard !name.isEmpty, let time = CivilTime.parseISO8601(created) else {
                throw malformed("a listed bucket")
            }
            buckets.append(ListedBucket(name: BucketName(name: name), created: time))
        }
        return buckets
    }

    private static func bucket(
        _ xml: inout XMLReader
    ) throws(XMLError)
        -> (name: String, created: String)
    {
        var bucket = (name: "", created: "")
        while let name = try xml.nextChild() {
            switch name {
            case "Name": bucket.name = try xml.string()
            case "CreationDate": bucket.created = try xml.string()
            default: try xml.skip()
            }
        }
        return bucket
    }

    /// NotificationConfiguration: whether anybody is told of removals. RGW shows every event of a
    /// topic; one without events would mean all of them. What cannot be read throws.
    package func notifiesOfRemovals() throws(S3Failure) -> Bool {
        try requireSuccess()
        var xml = try reader(root: "NotificationConfiguration")
        return try parsing { () throws(XMLError) -> Bool in
            var notifies = false
            while try xml.nextChild() != nil {
                var events: [String] = []
                while let name = try xml.nextChild() {
                    if name == "Event" { events.append(try xml.string()) } else { try xml.skip() }
                }
                let tells = events.contains { $0.utf8.starts(with: "s3:ObjectRemoved".utf8) }
                notifies = notifies || tells || events.isEmpty
            }
            try xml.finish()
            return notifies
        }
    }

    /// HEAD bucket's X-RGW-* headers; other servers send none. The tighter of user's and bucket's
    /// quota counts; a negative one is unlimited.
    package func bucketUsage() throws(S3Failure) -> BucketUsage {
        try requireSuccess()
        func number(_ name: String) -> UInt64? { http.headers[name].flatMap(Self.size) }
        func quota(_ what: String) -> UInt64? {
            [number("x-rgw-quota-bucket-\(what)"), number("x-rgw-quota-user-\(what)")]
                .compactMap(\.self).min()
        }
        return BucketUsage(
            objects: number("x-rgw-object-count"), bytes: number("x-rgw-bytes-used"),
            quotaBytes: quota("size"), quotaObjects: quota("objects"))
    }
}

/// A listing as the XML has it: keys still percent-encoded where `encoded` says so.
private struct RawListing {
    struct Entry {
        var key: [UInt8] = []
        var etag = ""
        var size = ""
        var lastModified = ""
    }
    var entries: [Entry] = []
    var prefixes: [[UInt8]] = []
    var truncated = false
    var encoded = false

    init(_ xml: inout XMLReader) throws(XMLError) {
        while let name = try xml.nextChild() {
            switch name {
            case "Contents": entries.append(try Self.entry(&xml))
            case "CommonPrefixes": try readPrefixes(&xml)
            case "IsTruncated": truncated = try xml.text() == Array("true".utf8)
            case "EncodingType": encoded = try xml.text() == Array("url".utf8)
            default: try xml.skip()
            }
        }
        try xml.finish()
    }

    private static func entry(_ xml: inout XMLReader) throws(XMLError) -> Entry {
        var entry = Entry()
        while let name = try xml.nextChild() {
            switch name {
            case "Key": entry.key = try xml.text()
            case "ETag": entry.etag = try xml.string()
            case "Size": entry.size = try xml.string()
            case "LastModified": entry.lastModified = try xml.string()
            default: try xml.skip()
            }
        }
        return entry
    }

    private mutating func readPrefixes(_ xml: inout XMLReader) throws(XMLError) {
        while let name = try xml.nextChild() {
            if name == "Prefix" { prefixes.append(try xml.text()) } else { try xml.skip() }
        }
    }
}
