package import RGWBase
import RGWCrypto

/// Signature version 2 in the Authorization header, as a pure function of request, key and time.
///
/// Source: S3 developer guide, "Signing and Authenticating REST Requests"; RGW's side, with its
/// list of signed sub-resources, is `src/rgw/rgw_auth_s3.cc`. The path is signed as it goes on the
/// wire.
package struct SignatureV2: Sendable {
    package var key: SigningKey

    package init(key: SigningKey) { self.key = key }

    /// Adds host, x-amz-date, a session token and Authorization.
    package func sign(_ request: HTTPRequest, at time: WallTime) -> HTTPRequest {
        var request = request
        request.headers["host"] = request.origin.authority
        request.headers["x-amz-date"] = CivilTime.formatHTTP(time)
        request.headers["x-amz-security-token"] = key.sessionToken?.exposed
        let message = Array(Self.stringToSign(request).utf8)
        let signature = Hash.hmacSHA1(key: Array(key.secret.exposed.utf8), message)
        request.headers["authorization"] = "AWS \(key.accessKey):\(Base64.encode(signature))"
        return request
    }

    /// The date's line is empty, because x-amz-date is among the signed headers.
    static func stringToSign(_ request: HTTPRequest) -> String {
        var values: [String: String] = [:]
        for field in request.headers where field.name.hasPrefix("x-amz-") {
            values[field.name] = values[field.name].map { "\($0),\(field.value)" } ?? field.value
        }
        let amz = values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .map { "\($0):\(values[$0] ?? "")\n" }.joined()
        let lines = [
            request.method.rawValue, request.headers["content-md5"] ?? "",
            request.headers["content-type"] ?? "", "", amz + canonicalResource(request),
        ]
        return lines.joined(separator: "\n")
    }

    private static func canonicalResource(_ request: HTTPRequest) -> String {
        let bucket = request.virtualBucket.map { "/\($0)" } ?? ""
        let signed = request.query.filter { subresources.contains($0.name) }
            .sorted { $0.name < $1.name }
            .map { item in item.value.map { "\(item.name)=\($0)" } ?? item.name }
        return bucket + request.path + (signed.isEmpty ? "" : "?" + signed.joined(separator: "&"))
    }

    /// Source: rgw_auth_s3.cc, `signed_subresources`.
    private static let subresources: Set<String> = [
        "acl", "cors", "delete", "lifecycle", "location", "logging", "notification", "partNumber",
        "policy", "requestPayment", "response-cache-control", "response-content-disposition",
        "response-content-encoding", "response-content-language", "response-content-type",
        "response-expires", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning",
        "versions", "website",
    ]
}
