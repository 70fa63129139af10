package import RGWObject

/// The methods that S3 uses.
package enum HTTPMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
}

/// One `name=value` of a query, not encoded; a nil value is a sub-resource (`?uploads`).
package struct QueryItem: Equatable, Sendable {
    package let name: String
    package let value: String?

    package init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }

    var encoded: String {
        let name = URIEncoding.encodeQuery(self.name)
        return value.map { "\(name)=\(URIEncoding.encodeQuery($0))" } ?? name
    }
}

/// One HTTP request, complete but for its signature.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    package var origin: HTTPOrigin
    /// Percent-encoded, begins with `/`.
    package var path: String
    package var query: [QueryItem]
    package var headers: HTTPHeaders
    package var body: ObjectBody?
    /// The bucket that stands in the host name instead of the path: signature version 2 needs it.
    package var virtualBucket: String?
    /// What signature version 4 says of the body.
    package var payload = PayloadSigning.unsigned

    package init(
        _ method: HTTPMethod, origin: HTTPOrigin, path: String, query: [QueryItem] = [],
        headers: HTTPHeaders = HTTPHeaders(), body: ObjectBody? = nil, virtualBucket: String? = nil
    ) {
        self.method = method
        self.origin = origin
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.virtualBucket = virtualBucket
    }

    /// Path and query as they go on the wire.
    package var target: String {
        query.isEmpty ? path : path + "?" + query.map(\.encoded).joined(separator: "&")
    }

    package var url: String { "\(origin)\(target)" }
}
