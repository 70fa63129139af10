import Foundation
import RGWBase
import RGWCrypto
import RGWObject
import RGWWire
import Testing

@Suite struct SignatureTests {
    /// The examples of the S3 API reference, "Signature Calculations for the Authorization Header".
    @Test(arguments: [
        (
            "/test.txt", [QueryItem](), "bytes=0-9",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ),
        (
            "/", [QueryItem("lifecycle")], nil,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        ),
        (
            "/", [QueryItem("max-keys", "2"), QueryItem("prefix", "J")], nil,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        ),
    ])
    func version4MatchesThePublishedExamples(
        path: String, query: [QueryItem], range: String?, signature: String
    ) {
        let key = SigningKey(
            accessKey: "AKIAIOSFODNN7EXAMPLE",
            secret: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
        let origin = HTTPOrigin(
            secure: false, host: "examplebucket.s3.amazonaws.com", port: nil)
        var request = HTTPRequest(.get, origin: origin, path: path, query: query)
        request.headers["Range"] = range
        request.payload = .sha256(Hash.sha256([]))
        let signed = SignatureV4(key: key, region: "us-east-1").sign(
            request, at: WallTime(seconds: 1_369_353_600))
        #expect(signed.headers["authorization"]?.hasSuffix("Signature=\(signature)") == true)
    }

    @Test func everySignatureIsThatOfAnIndependentImplementation() throws {
        let url = try #require(
            Bundle.module.url(
                forResource: "signatures", withExtension: "tsv", subdirectory: "Vectors"))
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(lines.count > 60)
        for line in lines {
            let vector = try #require(Vector(line))
            let signed = vector.signed()
            #expect(signed.target == vector.target)
            #expect(signed.headers["authorization"] == vector.authorization, "\(line)")
        }
    }

    @Test func aVirtualHostSignsItsBucketUnderVersion2() {
        let key = SigningKey(accessKey: "a", secret: Secret("b"))
        let origin = HTTPOrigin(secure: true, host: "s3.example.org", port: nil)
        let time = WallTime(seconds: 1_000_000_000)
        let address = ObjectAddress(bucket: "photos", key: "a b")
        let virtual = S3RequestBuilder(origin: origin, style: .virtualHost).headObject(address)
        let path = S3RequestBuilder(origin: origin, style: .path).headObject(address)
        #expect(virtual.url == "https://photos.s3.example.org/a%20b")
        #expect(path.url == "https://s3.example.org/photos/a%20b")
        #expect(
            SignatureV2(key: key).sign(virtual, at: time).headers["authorization"]
                == SignatureV2(key: key).sign(path, at: time).headers["authorization"])
    }

    @Test func everyAmzHeaderIsSigned() {
        let key = SigningKey(accessKey: "a", secret: Secret("b"), sessionToken: Secret("t"))
        let origin = HTTPOrigin(secure: true, host: "h", port: nil)
        var request = HTTPRequest(.put, origin: origin, path: "/b/k")
        request.headers["X-Amz-Meta-Z"] = "1"
        request.headers["x-amz-acl"] = "private"
        request.headers["expect"] = "100-continue"
        let signed = SignatureV4(key: key, region: "default").sign(
            request, at: WallTime(seconds: 0))
        let names =
            "host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-meta-z;x-amz-security-token"
        #expect(signed.headers["authorization"]?.contains("SignedHeaders=\(names),") == true)
    }
}

/// One line of signatures.tsv.
private struct Vector {
    let version: String
    let request: HTTPRequest
    let time: WallTime
    let token: Secret?
    let target: String
    let authorization: String

    init?(_ line: Substring) {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 10, let method = HTTPMethod(rawValue: fields[1]),
            let path = Hexadecimal.decode(fields[3]), let seconds = Int64(fields[6])
        else { return nil }
        let host = fields[2].split(separator: ":")
        let origin = HTTPOrigin(
            secure: false, host: String(host[0]), port: host.count == 2 ? UInt16(host[1]) : nil)
        var query: [QueryItem] = []
        for item in fields[4].split(separator: "&") {
            let halves = item.split(separator: "=").map { half in
                String(decoding: Hexadecimal.decode(half) ?? [], as: UTF8.self)
            }
            query.append(QueryItem(halves[0], halves.count == 2 ? halves[1] : nil))
        }
        var request = HTTPRequest(
            method, origin: origin, path: URIEncoding.encodePath(path), query: query)
        for header in fields[5].split(separator: "|") {
            guard let colon = header.firstIndex(of: ":") else { return nil }
            request.headers[String(header[..<colon])] = String(header[colon...].dropFirst(2))
        }
        version = fields[0]
        self.request = request
        time = WallTime(seconds: seconds)
        token = fields[7].isEmpty ? nil : Secret(fields[7])
        target = fields[8]
        authorization = fields[9]
    }

    func signed() -> HTTPRequest {
        let key = SigningKey(
            accessKey: "TESTACCESSKEY", secret: Secret("test/Secret+Key"), sessionToken: token)
        return version == "4"
            ? SignatureV4(key: key, region: "default").sign(request, at: time)
            : SignatureV2(key: key).sign(request, at: time)
    }
}
