package import RGWObject

/// A part that the server has, as CompleteMultipartUpload names it.
package struct UploadedPart: Equatable, Sendable {
    /// 1 ... 10,000
    package let number: Int
    package let etag: ETag

    package init(number: Int, etag: ETag) {
        self.number = number
        self.etag = etag
    }
}

extension S3RequestBuilder {
    package func createMultipart(
        _ address: ObjectAddress, metadata: ObjectMetadata
    )
        throws(ObjectStoreError) -> HTTPRequest
    {
        var request = request(.post, address.bucket, address.key, query: [QueryItem("uploads")])
        Self.add(metadata, to: &request)
        try Self.validate(request, "CREATE MULTIPART \(address)")
        return request
    }

    package func uploadPart(
        _ address: ObjectAddress, upload: String, number: Int, body: ObjectBody
    ) -> HTTPRequest {
        request(
            .put, address.bucket, address.key,
            query: [QueryItem("partNumber", "\(number)"), QueryItem("uploadId", upload)],
            body: body)
    }

    /// `parts` in the order of their numbers: RGW wants them sorted and all of them named.
    package func completeMultipart(
        _ address: ObjectAddress, upload: String, parts: [UploadedPart]
    ) -> HTTPRequest {
        var xml = Array("<CompleteMultipartUpload>".utf8)
        for part in parts {
            xml += "<Part><PartNumber>\(part.number)</PartNumber><ETag>&quot;".utf8
            Self.appendEscaped(Array(part.etag.text.utf8), to: &xml)
            xml += "&quot;</ETag></Part>".utf8
        }
        xml += "</CompleteMultipartUpload>".utf8
        return post(
            address.bucket, address.key, query: [QueryItem("uploadId", upload)], xml: xml)
    }

    package func abortMultipart(_ address: ObjectAddress, upload: String) -> HTTPRequest {
        request(
            .delete, address.bucket, address.key, query: [QueryItem("uploadId", upload)])
    }
}
