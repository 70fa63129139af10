package import RGWObject

extension S3RequestBuilder {
    /// ListObjectsV2 with encoding-type=url, because keys with control characters are not XML.
    /// `limit` is clamped to 1 ... 1000, as the server does.
    package func listObjects(
        _ bucket: BucketName, prefix: ObjectKey?, delimited: Bool, after: ObjectKey?, limit: Int
    ) -> HTTPRequest {
        var query = [
            QueryItem("list-type", "2"), QueryItem("encoding-type", "url"),
            QueryItem("max-keys", "\(min(max(limit, 1), 1000))"),
        ]
        if let prefix { query.append(QueryItem("prefix", prefix.text)) }
        if delimited { query.append(QueryItem("delimiter", "/")) }
        if let after { query.append(QueryItem("start-after", after.text)) }
        return request(.get, bucket, query: query)
    }

    /// Releases after Reef tell a bucket's usage only when it is asked for; earlier ones ignore the
    /// parameter and always do. Source: ceph src/rgw/rgw_rest_s3.cc, RGWStatBucket_ObjStore_S3.
    package func headBucket(_ bucket: BucketName) -> HTTPRequest {
        request(.head, bucket, query: [QueryItem("read-stats", "true")])
    }

    /// Who is told of changes in the bucket.
    package func notification(of bucket: BucketName) -> HTTPRequest {
        request(.get, bucket, query: [QueryItem("notification")])
    }

    package func versioning(of bucket: BucketName) -> HTTPRequest {
        request(.get, bucket, query: [QueryItem("versioning")])
    }

    package func listBuckets() -> HTTPRequest { HTTPRequest(.get, origin: origin, path: "/") }

    /// Without a location constraint RGW takes its own zone group; a wrong one is refused.
    package func createBucket(
        _ bucket: BucketName, locationConstraint: String? = nil
    )
        -> HTTPRequest
    {
        guard let locationConstraint else { return request(.put, bucket) }
        var xml = Array("<CreateBucketConfiguration><LocationConstraint>".utf8)
        Self.appendEscaped(Array(locationConstraint.utf8), to: &xml)
        xml += "</LocationConstraint></CreateBucketConfiguration>".utf8
        return request(.put, bucket, body: .bytes(xml))
    }

    package func deleteBucket(_ bucket: BucketName) -> HTTPRequest { request(.delete, bucket) }
}
