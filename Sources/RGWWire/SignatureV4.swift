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

    /// Adds host, x-amz-date, x-amz-content-sha256, a session token and Authorization. `derived`
    /// is `derivedKey` of that day, for callers that keep it.
    package func sign(
        _ request: HTTPRequest, at time: WallTime, derived: [UInt8]? = nil
    ) -> HTTPRequest {
        let payload = request.payload
        var request = request
        let timestamp = CivilTime.formatBasic(time)
        request.headers["host"] = request.origin.authority
        request.headers["x-amz-date"] = timestamp
        request.headers["x-amz-content-sha256"] = Self.payloadText(payload)
        request.headers["x-amz-security-token"] = key.sessionToken?.exposed
        let (signed, canonical) = Self.canonicalRequest(request, payload: payload)
        var scope = String(timestamp.prefix(8))
        scope += "/"
        scope += region
        scope += "/s3/aws4_request"
        var message = "AWS4-HMAC-SHA256\n"
        for line in [timestamp, "\n", scope, "\n"] { message += line }
        message += Hexadecimal.encode(Hash.sha256(canonical.utf8Span.span))
        let derived = derived ?? derivedKey(at: time)
        let signature = Hash.hmacSHA256(key: derived, message.utf8Span.span)
        var authorization = "AWS4-HMAC-SHA256 Credential="
        authorization.reserveCapacity(signed.utf8.count + 256)
        for part in [
            key.accessKey, "/", scope, ", SignedHeaders=", signed, ", Signature=",
            Hexadecimal.encode(signature),
        ] { authorization += part }
        request.headers["authorization"] = authorization
        return request
    }

    /// The list of signed headers, and the text whose hash is signed.
    static func canonicalRequest(
        _ request: HTTPRequest, payload: PayloadSigning
    ) -> (
        signed: String, text: String
    ) {
        // Few fields, so that inserting each at its place is the cheapest way to sort them. Names
        // are ASCII, which Swift compares byte by byte.
        var fields: [HTTPHeaders.Field] = []
        fields.reserveCapacity(request.headers.count)
        for field in request.headers where isSigned(field.name) {
            let place = fields.lastIndex { $0.name <= field.name } ?? -1
            fields.insert(field, at: place + 1)
        }
        var signed = ""
        var headers = ""
        // Room for all: a text that grows line by line is copied several times.
        headers.reserveCapacity(
            fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 2 })
        signed.reserveCapacity(fields.reduce(0) { $0 + $1.name.utf8.count + 1 })
        for (index, field) in fields.enumerated() {
            if index > 0, fields[index - 1].name == field.name {
                headers += ","
            } else {
                signed += signed.isEmpty ? "" : ";"
                signed += field.name
                headers += headers.isEmpty ? "" : "\n"
                headers += field.name
                headers += ":"
            }
            headers += collapsingBlanks(field.value)
        }
        var text = request.method.rawValue
        text.reserveCapacity(
            request.path.utf8.count + headers.utf8.count + signed.utf8.count + 128)
        for part in ["\n", request.path, "\n", canonicalQuery(request), "\n", headers, "\n\n"] {
            text += part
        }
        for part in [signed, "\n", payloadText(payload)] { text += part }
        return (signed, text)
    }

    private static func canonicalQuery(_ request: HTTPRequest) -> String {
        if request.query.isEmpty { return "" }
        return request.query
            .map { (URIEncoding.encodeQuery($0.name), URIEncoding.encodeQuery($0.value ?? "")) }
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }
            .joined(separator: "&")
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
        let utf8 = value.utf8Span
        let bytes = utf8.span
        guard bytes.indices.contains(where: { bytes[$0] == 0x20 }) else { return value }
        return value.split(separator: " ").joined(separator: " ")
    }

    /// What signs all requests of one day (UTC) in the region: four HMACs.
    package func derivedKey(at time: WallTime) -> [UInt8] {
        var derived = Array("AWS4\(key.secret.exposed)".utf8)
        let date = String(CivilTime.formatBasic(time).prefix(8))
        for part in [date, region, "s3", "aws4_request"] {
            derived = Hash.hmacSHA256(key: derived, Array(part.utf8))
        }
        return derived
    }
}
