import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire

/// Answers as RGW gives them.
enum Answers {
    static let tag = "\"5d41402abc4b2a76b9719d911017c592\""

    static func response(
        _ status: Int, _ body: [UInt8] = [], _ fields: [String: String] = [:]
    ) -> HTTPResponse {
        var headers = HTTPHeaders()
        headers.append("x-amz-request-id", "tx1")
        headers.append("content-length", "\(body.count)")
        for (name, value) in fields { headers[name] = value }
        return HTTPResponse(status: status, headers: headers, body: body)
    }

    static func error(
        _ status: Int, _ code: String, _ fields: [String: String] = [:]
    )
        -> HTTPResponse
    {
        response(status, Array("<Error><Code>\(code)</Code></Error>".utf8), fields)
    }

    static let noNotification = response(
        200, Array("<NotificationConfiguration></NotificationConfiguration>".utf8))

    static let headFields = ["etag": tag, "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT"]

    /// An answer to GET of the whole or of the range that the request names.
    static func object(_ body: [UInt8], for request: HTTPRequest) -> HTTPResponse {
        guard let range = request.headers["range"] else { return response(200, body, headFields) }
        let ends = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
        guard ends[0] < body.count else { return error(416, "InvalidRange") }
        let last = min(ends[1], body.count - 1)
        var fields = headFields
        fields["content-range"] = "bytes \(ends[0])-\(last)/\(body.count)"
        return response(206, Array(body[ends[0]...last]), fields)
    }
}

/// A store on a world, with the keys that tests use.
func makeStore(
    _ world: World, credentials: any CredentialsProvider = FixedCredentials(testKeys),
    _ change: (inout S3Configuration) -> Void = { _ in }
) -> S3ObjectStore {
    var configuration = S3Configuration(endpoint: Endpoint(scheme: .http, host: "rgw.test"))
    configuration.retrans = 3
    change(&configuration)
    return S3ObjectStore(
        configuration: configuration, transport: world, credentials: credentials, clock: world,
        timer: world, entropy: world)
}

let testKeys = Credentials.keys(accessKey: "AK", secret: Secret("SK"))
let testAddress = ObjectAddress(bucket: "b", key: "k")
