package import RGWBase
import RGWCrypto
package import RGWObject

extension S3Response {
    /// The head of an object from the answer to HEAD or GET.
    package func objectHead() throws(S3Failure) -> ObjectHead {
        try requireSuccess()
        let etag = try validTag()
        guard let date = http.headers["last-modified"],
            let lastModified = CivilTime.parseHTTP(date)
        else { throw malformed("no valid Last-Modified") }
        return ObjectHead(
            etag: isLargeObject ? ETag(ofSegments: etag) : etag, size: try objectSize(),
            lastModified: lastModified,
            metadata: objectMetadata(), answeredAt: self.date)
    }

    /// An MD5 in digits with a number of parts, on RGW; nobody's is longer than this.
    private static let tagBytesMax = 256

    private func validTag() throws(S3Failure) -> ETag {
        guard let text = http.headers["etag"], !ETag(text).text.isEmpty,
            text.utf8.count <= Self.tagBytesMax
        else { throw malformed("no valid ETag") }
        return ETag(text)
    }

    /// One of Swift's large objects: a manifest that stands for other objects. Source: rgw_rest_s3.cc, dump of
    /// RGW_ATTR_USER_MANIFEST and RGW_ATTR_SLO_UINDICATOR; measured on RGW 16 to 20.
    private var isLargeObject: Bool {
        ["x-object-manifest", "x-object-meta-static-large-object", "x-static-large-object"]
            .contains { http.headers[$0] != nil }
    }

    /// The bytes of the object that the body of a GET holds, as its head promises: a body whose length is not
    /// told, or not that of its range, may be anything.
    ///
    /// RGW 16 to 20 say of a part of a large object that it begins at 0, whatever was asked and sent: there the
    /// length tells where it does.
    package func deliveredRange() throws(S3Failure) -> Range<UInt64> {
        guard http.headers["transfer-encoding"] == nil, let text = http.headers["content-length"],
            let length = Self.size(text)
        else { throw malformed("no valid Content-Length") }
        switch http.status {
        case 200:
            // RFC 9110 gives it no meaning here; one that speaks of other bytes contradicts the status.
            if http.headers["content-range"] != nil, contentRange?.range != 0..<length {
                throw malformed("a whole body that says it is a part")
            }
            return 0..<length
        case 206:
            guard let range = contentRange?.range else { throw malformed("no valid Content-Range") }
            if isLargeObject, range.lowerBound == 0, length <= range.upperBound {
                return (range.upperBound - length)..<range.upperBound
            }
            guard range.upperBound - range.lowerBound == length else {
                throw malformed("a body that is not as long as its range")
            }
            return range
        default: throw malformed("no body was to come")
        }
    }

    /// Whole size: from Content-Range where a range was answered.
    private func objectSize() throws(S3Failure) -> UInt64 {
        if http.status == 206 {
            guard let total = contentRange?.total else { throw malformed("no Content-Range") }
            return total
        }
        guard let text = http.headers["content-length"], let length = Self.size(text) else {
            throw malformed("no valid Content-Length")
        }
        return length
    }

    /// `bytes 0-9/100` (RFC 9110, section 14.4).
    private var contentRange: (range: Range<UInt64>, total: UInt64)? {
        guard let text = http.headers["content-range"], text.hasPrefix("bytes ") else { return nil }
        let halves = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let total = Self.size(String(halves[1])) else {
            return nil
        }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.size(String(ends[0])),
            let last = Self.size(String(ends[1])), first <= last, last < total
        else { return nil }
        return (first..<(last + 1), total)
    }

    private func objectMetadata() -> ObjectMetadata {
        var metadata = ObjectMetadata()
        let prefix = "x-amz-meta-"
        for field in http.headers {
            switch field.name {
            case "content-type": metadata.contentType = metadata.contentType ?? field.value
            case "cache-control": metadata.cacheControl = metadata.cacheControl ?? field.value
            case "content-disposition":
                metadata.contentDisposition = metadata.contentDisposition ?? field.value
            case "content-encoding":
                metadata.contentEncoding =
                    metadata.contentEncoding ?? Self.keptCodings(field.value)
            case "content-language":
                metadata.contentLanguage = metadata.contentLanguage ?? field.value
            case "expires": metadata.expires = metadata.expires ?? field.value
            case "x-amz-website-redirect-location": metadata.websiteRedirect = field.value
            case "x-amz-storage-class": metadata.storage.storageClass = field.value
            case "x-amz-server-side-encryption": metadata.storage.encryption = field.value
            case "x-amz-server-side-encryption-aws-kms-key-id":
                metadata.storage.encryptionKey = field.value
            default:
                guard field.name.hasPrefix(prefix) else { continue }
                metadata.user[String(field.name.dropFirst(prefix.utf8.count))] = field.value
            }
        }
        metadata.tagCount = http.headers["x-amz-tagging-count"].flatMap { Int($0) } ?? 0
        metadata.tagCount = max(0, metadata.tagCount)
        return metadata
    }

    /// Without `aws-chunked`, which says how a body was sent and which RGW before 20 keeps with the object;
    /// nil: nothing else. Source: S3 API reference, "Signature calculations: chunked upload".
    private static func keptCodings(_ codings: String) -> String? {
        let all = codings.split(separator: ",").map { $0.trimmingBlanks() }
        guard all.contains(where: { $0.lowercased() == "aws-chunked" }) else { return codings }
        let kept = all.filter { $0.lowercased() != "aws-chunked" && !$0.isEmpty }
        return kept.isEmpty ? nil : kept.joined(separator: ", ")
    }

    /// The ETag of a PUT or part. `md5`, where given, must be what it says.
    package func storedTag(md5: [UInt8]?) throws(S3Failure) -> ETag {
        try requireSuccess()
        let etag = try validTag()
        if let md5, etag.text.lowercased() != Hexadecimal.encode(md5) {
            throw malformed(
                "stored with ETag \(etag), but the MD5 sent was \(Hexadecimal.encode(md5))")
        }
        return etag
    }

    /// The answer to a PUT; RGW tells no Last-Modified, so its Date (or else `now`) stands for it.
    package func stored(md5: [UInt8]?, now: WallTime) throws(S3Failure) -> Stored {
        Stored(etag: try storedTag(md5: md5), lastModified: date ?? now)
    }

    /// CopyObjectResult: ETag and LastModified.
    package func copied(now: WallTime) throws(S3Failure) -> Stored {
        try requireSuccess()
        var xml = try reader(root: "CopyObjectResult")
        let (tag, date) = try parsing { () throws(XMLError) -> (String, String) in
            var tag = ""
            var date = ""
            while let name = try xml.nextChild() {
                switch name {
                case "ETag": tag = try xml.string()
                case "LastModified": date = try xml.string()
                default: try xml.skip()
                }
            }
            try xml.finish()
            return (tag, date)
        }
        guard !ETag(tag).text.isEmpty else { throw malformed("no ETag") }
        guard let time = CivilTime.parseISO8601(date) else { throw malformed("no LastModified") }
        return Stored(etag: ETag(tag), lastModified: time)
    }

    /// DeleteResult: the keys that could not be deleted. `NoSuchKey` among them is a success.
    package func deleteFailures(bucket: BucketName) throws(S3Failure) -> [DeleteFailure] {
        try requireSuccess()
        var xml = try reader(root: "DeleteResult")
        let failed = try parsing { () throws(XMLError) -> [(key: [UInt8], body: ErrorBody)] in
            var failed: [(key: [UInt8], body: ErrorBody)] = []
            while let name = try xml.nextChild() {
                guard name == "Error" else {
                    try xml.skip()
                    continue
                }
                failed.append(try Self.deleteError(&xml))
            }
            try xml.finish()
            return failed
        }
        var failures: [DeleteFailure] = []
        for (bytes, body) in failed where body.code != "NoSuchKey" {
            guard let key = try? ObjectKey(bytes) else { throw malformed("key of a failure") }
            let one = S3Response(
                .deleteObject, subject: "\(bucket)/\(key)", http: HTTPResponse(status: 200))
            failures.append(DeleteFailure(key: key, error: one.failure(body: body).error))
        }
        return failures
    }

    private static func deleteError(
        _ xml: inout XMLReader
    ) throws(XMLError)
        -> (key: [UInt8], body: ErrorBody)
    {
        var key: [UInt8] = []
        var body = ErrorBody()
        while let name = try xml.nextChild() {
            switch name {
            case "Key": key = try xml.text()
            case "Code": body.code = try xml.string()
            case "Message": body.message = try xml.string()
            default: try xml.skip()
            }
        }
        return (key, body)
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
