import RGWBase
import RGWClient
import RGWWire
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        ("s3.example.org", "https://s3.example.org"), ("HTTP://host", "http://host"),
        ("http://host:7480", "http://host:7480"), ("https://host:443/", "https://host"),
        ("http://127.0.0.1:80", "http://127.0.0.1"), ("[::1]:7480", "https://[::1]:7480"),
        ("http://[2001:db8::1]", "http://[2001:db8::1]"), ("host:1", "https://host:1"),
    ])
    func endpointsAreRead(text: String, url: String) throws {
        #expect("\(try Endpoint(parsing: text))" == url)
    }

    @Test(arguments: [
        ("", Endpoint.Invalid.noHost), ("http://", .noHost), (":80", .noHost),
        ("ftp://h", .scheme("ftp")), ("http://h:0", .port("0")), ("http://h:65536", .port("65536")),
        ("http://h:", .port("")), ("h:x", .port("x")), ("http://h/path", .path("/path")),
        ("http://h:1:2", .host("h:1:2")), ("http://a b", .host("a b")), ("[::1", .host("[::1")),
        ("[h]", .host("h")), ("[::1]x", .host("[::1]x")), ("u@h", .host("u@h")),
        ("http://h?x", .host("h?x")), ("::1", .host("::1")),
    ])
    func malformedEndpointsAreRefused(text: String, error: Endpoint.Invalid) {
        #expect(throws: error) { try Endpoint(parsing: text) }
    }

    @Test func aSignedRequestPrintsNeitherItsSignatureNorItsToken() {
        let world = World { _ in .silence }
        let keys = Credentials.keys(
            accessKey: "AK", secret: Secret("hidden"), sessionToken: Secret("tokentext"))
        for version in S3Configuration.SignatureVersion.allCases {
            let store = makeStore(world, credentials: FixedCredentials(keys)) {
                $0.signatureVersion = version
            }
            store.head(testAddress, completion: { _ in })
            #expect(world.sent.last?.request.headers["x-amz-security-token"] == "tokentext")
        }
        for sent in world.sent {
            var dumped = ""
            dump(sent.request, to: &dumped)
            for text in ["\(sent.request)", String(reflecting: sent.request), dumped] {
                #expect(!text.contains("tokentext") && !text.contains("hidden"))
                #expect(!text.contains("Signature=") && !text.contains("AWS AK:"))
                #expect(text.contains("x-amz-date"), "the rest is shown")
            }
        }
    }

    @Test func secretsDoNotPrint() {
        let credentials = Credentials.keys(
            accessKey: "AK", secret: Secret("hidden"), sessionToken: Secret("token"))
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("hidden") && !text.contains("token\""))
        }
    }
}
