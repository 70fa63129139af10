package import RGWBase
import RGWCrypto

/// Signature version 4 in the Authorization header, as a pure function of request, key and time.
///
/// Source: S3 API reference, "Signature Calculations for the Authorization Header"; RGW's side is
/// `src/rgw/rgw_auth_s3.cc`. All x-amz-* headers are signed: newer RGW releases reject others.
package struct SignatureV4: Sendable {
    package var key: SigningKey
    /// RGW accepts any text without `/`.
    package var region: String

    package init(key: SigningKey, region: String) {
        self.key = key
        self.region = region
    }

    /// Adds host, x-amz-date, x-amz-content-sha256, a session token and Authorization.
    package func sign(_ request: HTTPRequest, at time: WallTime) -> HTTPRequest {
        let payload = request.payload
        var request = request
        let timestamp = CivilTime.formatBasic(time)
        request.headers["host"] = request.origin.authority
        request.headers["x-amz-date"] = timestamp
        request.headers["x-amz-content-sha256"] = Self.payloadText(payload)
        request.headers["x-amz-security-token"] = key.sessionToken?.exposed
        let (signed, canonical) = Self.canonicalRequest(request, payload: payload)
        let scope = "\(timestamp.prefix(8))/\(region)/s3/aws4_request"
        let hash = Hexadecimal.encode(Hash.sha256(Array(canonical.utf8)))
        let message = "AWS4-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(hash)"
        let derived = derivedKey(date: String(timestamp.prefix(8)))
        let signature = Hexadecimal.encode(Hash.hmacSHA256(key: derived, Array(message.utf8)))
        request.headers["authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(key.accessKey)/\(scope), "
            + "SignedHeaders=\(signed), Signature=\(signature)"
        return request
    }

    /// The list of signed headers, and the text whose hash is signed.
    static func canonicalRequest(
        _ request: HTTPRequest, payload: PayloadSigning
    ) -> (
        signed: String, text: String
    ) {
        var values: [String: String] = [:]
        for field in request.headers where isSigned(field.name) {
            let value = collapsingBlanks(field.value)
            values[field.name] = values[field.name].map { "\($0),\(value)" } ?? value
        }
        let names = values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let signed = names.joined(separator: ";")
        let headers = names.map { "\($0):\(values[$0] ?? "")\n" }.joined()
        let query = request.query
            .map { (URIEncoding.encodeQuery($0.name), URIEncoding.encodeQuery($0.value ?? "")) }
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }
            .joined(separator: "&")
        let text = [
            request.method.rawValue, request.path, query, headers, signed, payloadText(payload),
        ].joined(separator: "\n")
        return (signed, text)
    }

    /// Headers that libcurl or a proxy may add or change are left out.
    private static func isSigned(_ name: String) -> Bool {
        switch name {
        case "host", "content-md5", "content-type", "range", "if-match", "if-none-match": true
        default: name.hasPrefix("x-amz-")
        }
    }

    private static func payloadText(_ payload: PayloadSigning) -> String {
        switch payload {
        case .unsigned: "UNSIGNED-PAYLOAD"
        case .sha256(let digest): Hexadecimal.encode(digest)
        }
    }

    /// Outer blanks go, inner runs of blanks become one.
    private static func collapsingBlanks(_ value: String) -> String {
        guard value.utf8.contains(0x20) else { return value }
        return value.split(separator: " ").joined(separator: " ")
    }

    private func derivedKey(date: String) -> [UInt8] {
        var derived = Array("AWS4\(key.secret.exposed)".utf8)
        for part in [date, region, "s3", "aws4_request"] {
            derived = Hash.hmacSHA256(key: derived, Array(part.utf8))
        }
        return derived
    }
}
