import RGWObject

/// Where the bucket's name stands.
package enum AddressingStyle: Hashable, Sendable {
    /// `host/bucket/key`
    case path
    /// `bucket.host/key`: works only where RGW's `rgw dns name` matches the host.
    case virtualHost
}

/// Builds unsigned HTTP requests for S3 operations; pure.
///
/// Operations on objects, buckets and uploads are in the extensions.
package struct S3RequestBuilder: Sendable {
    package var origin: HTTPOrigin
    package var style: AddressingStyle

    package init(origin: HTTPOrigin, style: AddressingStyle) {
        self.origin = origin
        self.style = style
    }

    /// A request on a bucket (`key` nil) or object.
    func request(
        _ method: HTTPMethod, _ bucket: BucketName, _ key: ObjectKey? = nil,
        query: [QueryItem] = [], body: ObjectBody? = nil
    ) -> HTTPRequest {
        let name = URIEncoding.encodePath(bucket.description.utf8)
        let keyPath = key.map { URIEncoding.encodePath($0.bytes) } ?? ""
        // Another tenant's bucket has no host name of its own.
        guard style == .virtualHost, bucket.tenant == nil else {
            let path = key == nil ? "/\(name)" : "/\(name)/\(keyPath)"
            return HTTPRequest(method, origin: origin, path: path, query: query, body: body)
        }
        var host = origin
        host.host = "\(bucket.name).\(origin.host)"
        return HTTPRequest(
            method, origin: host, path: "/\(keyPath)", query: query, body: body,
            virtualBucket: name)
    }

    /// Bytes of all header fields that RGW takes are 16 KiB with the request line; the signature,
    /// which comes later, needs some of them.
    static let headerBytesMax = 15_000

    /// Refuses what would break the header block or be changed on the way: control characters, and
    /// more than RGW's limit.
    static func validate(_ request: HTTPRequest, _ operation: String) throws(ObjectStoreError) {
        for field in request.headers {
            let name = field.name.utf8.allSatisfy { (0x21...0x7E) ~= $0 && $0 != 0x3A }
            let value = field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            guard name, value, !field.name.isEmpty else {
                throw ObjectStoreError(
                    .invalidRequest, operation: operation,
                    message: "the header \(field.name) has characters that HTTP cannot carry")
            }
        }
        guard request.headers.wireLength + request.target.utf8.count <= headerBytesMax else {
            throw ObjectStoreError(
                .invalidRequest, operation: operation,
                message: "metadata and key together exceed RGW's header limit of 16 KiB")
        }
    }
}
