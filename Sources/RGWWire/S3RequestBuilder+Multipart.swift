import RGWCrypto
package import RGWObject

extension S3RequestBuilder {
    package func createMultipart(
        _ address: ObjectAddress, metadata: ObjectMetadata
    )
        throws(ObjectStoreError) -> HTTPRequest
    {
        var request = request(.post, address.bucket, address.key, query: [QueryItem("uploads")])
        Self.add(metadata, to: &request)
        Self.add(metadata.storage, to: &request)
        request.headers["x-amz-tagging"] = metadata.tags
        try Self.validate(request, "CREATE MULTIPART \(address)")
        return request
    }

    /// `md5`: 16 bytes, or nil to send no Content-MD5.
    package func uploadPart(
        _ upload: MultipartUploadAddress, number: Int, body: ObjectBody, md5: [UInt8]? = nil
    ) -> HTTPRequest {
        var request = request(
            .put, upload.object.bucket, upload.object.key,
            query: [QueryItem("partNumber", "\(number)"), Self.uploadID(upload)], body: body)
        request.headers["content-md5"] = md5.map(Base64.encode)
        return request
    }

    /// At most 1,000 parts, those after the number.
    package func listParts(_ upload: MultipartUploadAddress, after: Int) -> HTTPRequest {
        var query = [Self.uploadID(upload), QueryItem("max-parts", "1000")]
        if after > 0 { query.append(QueryItem("part-number-marker", "\(after)")) }
        return request(.get, upload.object.bucket, upload.object.key, query: query)
    }

    /// Without encoding-type: RGW 16 encodes the keys when asked, and does not say so
    /// (`EncodingType` is missing), which other servers may take for not encoding. Our reader takes
    /// every key as it stands.
    package func listUploads(
        _ bucket: BucketName, prefix: ObjectKey?, after: MultipartUploadAddress?, limit: Int
    ) -> HTTPRequest {
        var query = [QueryItem("uploads"), QueryItem("max-uploads", "\(min(max(limit, 1), 1000))")]
        if let prefix { query.append(QueryItem("prefix", prefix.text)) }
        if let after {
            query.append(QueryItem("key-marker", after.object.key.text))
            query.append(QueryItem("upload-id-marker", after.id.text))
        }
        return request(.get, bucket, query: query)
    }

    private static func uploadID(_ upload: MultipartUploadAddress) -> QueryItem {
        QueryItem("uploadId", upload.id.text)
    }

    /// `parts` in the order of their numbers: RGW wants them sorted and all of them named.
    /// RGW 16 ignores conditions here: `precondition` only where the server is known to heed it.
    package func completeMultipart(
        _ upload: MultipartUploadAddress, parts: [UploadedPart],
        precondition: Precondition = .none, quoting: IfMatchQuoting = .quoted
    ) -> HTTPRequest {
        var xml = Array("<CompleteMultipartUpload>".utf8)
        for part in parts {
            xml += "<Part><PartNumber>\(part.number)</PartNumber><ETag>&quot;".utf8
            Self.appendEscaped(Array(part.etag.text.utf8), to: &xml)
            xml += "&quot;</ETag></Part>".utf8
        }
        xml += "</CompleteMultipartUpload>".utf8
        var request = post(
            upload.object.bucket, upload.object.key, query: [Self.uploadID(upload)], xml: xml)
        Self.add(precondition, quoting, to: &request)
        return request
    }

    package func abortMultipart(_ upload: MultipartUploadAddress) -> HTTPRequest {
        request(
            .delete, upload.object.bucket, upload.object.key, query: [Self.uploadID(upload)])
    }
}
