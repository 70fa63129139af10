package import RGWObject

/// Requests on the versions of one key, in buckets that keep them.
extension S3RequestBuilder {
    /// ListObjectVersions from the key on: its versions come first, the newest before the older ones.
    /// `limit` is 1 ... 1000.
    package func versions(of address: ObjectAddress, limit: Int) -> HTTPRequest {
        request(
            .get, address.bucket,
            query: [
                QueryItem("versions"), QueryItem("encoding-type", "url"),
                QueryItem("max-keys", "\(min(max(limit, 1), 1000))"),
                QueryItem("prefix", address.key.text),
            ])
    }

    /// Removes one version for good, without a delete marker.
    package func deleteVersion(_ version: String, of address: ObjectAddress) -> HTTPRequest {
        request(.delete, address.bucket, address.key, query: [QueryItem("versionId", version)])
    }

    /// Makes a copy of an older version the newest one.
    package func restoreVersion(_ version: String, of address: ObjectAddress) -> HTTPRequest {
        var request = request(.put, address.bucket, address.key)
        let bucket = URIEncoding.encodePath(address.bucket.description.utf8)
        let key = URIEncoding.encodePath(address.key.bytes)
        request.headers["x-amz-copy-source"] =
            "/\(bucket)/\(key)?versionId=\(URIEncoding.encodePath(version.utf8))"
        request.headers["x-amz-metadata-directive"] = "COPY"
        return request
    }
}
