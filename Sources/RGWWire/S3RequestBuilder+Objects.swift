import RGWCrypto
package import RGWObject

/// How If-Match names a tag. RGW 16 compares the text as it stands and so wants no quotes in a PUT,
/// against RFC 9110; releases that follow the RFC want them.
package enum IfMatchQuoting: Hashable, Sendable {
    case unquoted
    case quoted

    /// Where both work: the one that RFC 9110 wants.
    package static let preferred: [Self] = [.quoted, .unquoted]
}

extension S3RequestBuilder {
    package func headObject(_ address: ObjectAddress) -> HTTPRequest {
        request(.head, address.bucket, address.key)
    }

    /// `range` is in bytes, half open, not empty; nil asks for everything. A quoted If-Match is
    /// right here: RGW strips quotes on reads. If-Range is never sent, RGW ignores it.
    package func getObject(
        _ address: ObjectAddress, range: Range<UInt64>?, matching: ETag?
    )
        -> HTTPRequest
    {
        var request = request(.get, address.bucket, address.key)
        if let range, !range.isEmpty {
            request.headers["range"] = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
        }
        if let matching { request.headers["if-match"] = "\"\(matching.condition)\"" }
        return request
    }

    /// `md5`: 16 bytes, or nil to send no Content-MD5.
    package func putObject(
        _ address: ObjectAddress, body: ObjectBody, md5: [UInt8]?, metadata: ObjectMetadata,
        precondition: Precondition, quoting: IfMatchQuoting
    ) throws(ObjectStoreError) -> HTTPRequest {
        var request = request(.put, address.bucket, address.key, body: body)
        request.headers["content-md5"] = md5.map(Base64.encode)
        Self.add(metadata, to: &request)
        Self.add(metadata.storage, to: &request)
        request.headers["x-amz-tagging"] = metadata.tags
        Self.add(precondition, quoting, to: &request)
        try Self.validate(request, "PUT \(address)")
        return request
    }

    /// CopyObject with REPLACE: metadata that is not sent is dropped. `storage` is named again also where
    /// `metadata` is nil, because RGW 20 keeps none of it by itself. The source's guard goes under two names:
    /// RGW 16 heeds `x-amz-copy-if-match` only, RGW 18 and 20 and S3 heed `x-amz-copy-source-if-match` only.
    /// Their siblings (`-if-none-match`, `-if-modified-since`) break the connection, so they are never sent.
    package func copyObject(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        storage: StorageTraits = StorageTraits(), sourceMatching: ETag?
    ) throws(ObjectStoreError) -> HTTPRequest {
        var request = request(.put, target.bucket, target.key)
        let bucket = URIEncoding.encodePath(source.bucket.description.utf8)
        request.headers["x-amz-copy-source"] =
            "/\(bucket)/\(URIEncoding.encodePath(source.key.bytes))"
        request.headers["x-amz-metadata-directive"] = metadata == nil ? "COPY" : "REPLACE"
        request.headers["x-amz-copy-if-match"] = sourceMatching?.condition
        request.headers["x-amz-copy-source-if-match"] = sourceMatching?.condition
        Self.add(metadata?.storage ?? storage, to: &request)
        if let metadata { Self.add(metadata, to: &request) }
        try Self.validate(request, "COPY \(source) to \(target)")
        return request
    }

    /// RGW before 20.2.1 ignores If-Match here: `matching` only where the server is known to heed it.
    package func deleteObject(
        _ address: ObjectAddress, matching: (etag: ETag, quoting: IfMatchQuoting)? = nil
    ) -> HTTPRequest {
        var request = request(.delete, address.bucket, address.key)
        if let matching { Self.add(.matches(matching.etag), matching.quoting, to: &request) }
        return request
    }

    static func add(
        _ precondition: Precondition, _ quoting: IfMatchQuoting, to request: inout HTTPRequest
    ) {
        switch precondition {
        case .none: break
        // Unquoted: RGW ignores a quoted star and overwrites.
        case .absent: request.headers["if-none-match"] = "*"
        case .matches(let etag):
            let tag = etag.condition
            request.headers["if-match"] = quoting == .quoted ? "\"\(tag)\"" : tag
        }
    }

    /// DeleteObjects, quiet: the answer names failures only. Keys that XML 1.0 cannot carry
    /// (`isXMLSafe` false) must be deleted one by one.
    package func deleteObjects(_ keys: [ObjectKey], in bucket: BucketName) -> HTTPRequest {
        var xml = Array("<Delete><Quiet>true</Quiet>".utf8)
        for key in keys {
            xml += "<Object><Key>".utf8
            Self.appendEscaped(key.bytes, to: &xml)
            xml += "</Key></Object>".utf8
        }
        xml += "</Delete>".utf8
        return post(bucket, nil, query: [QueryItem("delete")], xml: xml)
    }

    /// A POST or PUT whose body is XML, with its MD5.
    func post(
        _ bucket: BucketName, _ key: ObjectKey?, query: [QueryItem], xml: [UInt8]
    )
        -> HTTPRequest
    {
        var request = request(.post, bucket, key, query: query, body: .bytes(xml))
        request.headers["content-type"] = "application/xml"
        request.headers["content-md5"] = Base64.encode(Hash.md5(xml))
        return request
    }

    /// Whether XML 1.0 can carry the key: no control characters but tab and line ends, and neither
    /// U+FFFE nor U+FFFF (XML 1.0, section 2.2).
    package static func isXMLSafe(_ key: ObjectKey) -> Bool {
        !key.text.unicodeScalars.contains { scalar in
            switch scalar.value {
            case 0x09, 0x0A, 0x0D: false
            case 0..<0x20, 0xFFFE, 0xFFFF: true
            default: false
            }
        }
    }

    /// Line ends and tabs as references, because XML readers change bare ones.
    static func appendEscaped(_ bytes: [UInt8], to xml: inout [UInt8]) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "&"): xml += "&amp;".utf8
            case UInt8(ascii: "<"): xml += "&lt;".utf8
            case UInt8(ascii: ">"): xml += "&gt;".utf8
            case 0x09, 0x0A, 0x0D: xml += "&#\(byte);".utf8
            default: xml.append(byte)
            }
        }
    }

    static func add(_ metadata: ObjectMetadata, to request: inout HTTPRequest) {
        request.headers["content-type"] = metadata.contentType
        request.headers["cache-control"] = metadata.cacheControl
        request.headers["content-disposition"] = metadata.contentDisposition
        request.headers["content-encoding"] = metadata.contentEncoding
        request.headers["content-language"] = metadata.contentLanguage
        request.headers["expires"] = metadata.expires
        request.headers["x-amz-website-redirect-location"] = metadata.websiteRedirect
        for (name, value) in metadata.user.sorted(by: { $0.key < $1.key }) {
            request.headers["x-amz-meta-\(name)"] = value
        }
    }

    static func add(_ storage: StorageTraits, to request: inout HTTPRequest) {
        request.headers["x-amz-storage-class"] = storage.storageClass
        request.headers["x-amz-server-side-encryption"] = storage.encryption
        request.headers["x-amz-server-side-encryption-aws-kms-key-id"] = storage.encryptionKey
    }
}
