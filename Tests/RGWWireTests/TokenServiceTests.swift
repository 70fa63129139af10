import RGWBase
import RGWObject
import RGWWire
import Testing

/// STS as bytes.
@Suite struct TokenServiceTests {
    private static let origin = HTTPOrigin(secure: false, host: "h", port: 80)

    private func body(_ request: HTTPRequest) -> String {
        guard case .bytes(let bytes)? = request.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func session(
        _ xml: String, status: Int = 200
    ) throws(TokenService.Refusal) -> TokenService.Session {
        try TokenService.session(
            from: HTTPResponse(status: status, headers: HTTPHeaders(), body: Array(xml.utf8)))
    }

    @Test func theFormSaysWhoAsksForWhat() {
        let role = RoleRequest(
            arn: "arn:aws:iam:::role/a b", sessionName: "s&x", externalID: "=", seconds: 900)
        let request = TokenService.assumeRole(role, at: Self.origin)
        #expect(
            body(request)
                == "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A%3Arole%2Fa%20b"
                + "&RoleSessionName=s%26x&DurationSeconds=900&ExternalId=%3D")
        #expect(request.method == .post && request.path == "/" && request.query.isEmpty)
        let web = TokenService.assumeRole(
            RoleRequest(arn: "r"), token: Secret("a.b+c"), at: Self.origin)
        #expect(
            body(web)
                == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=r"
                + "&RoleSessionName=rgwfs&WebIdentityToken=a.b%2Bc")
    }

    @Test(arguments: ["AssumeRole", "AssumeRoleWithWebIdentity"])
    func anAnswerIsASession(action: String) throws {
        let found = try session(
            """
            <?xml version="1.0"?><\(action)Response><\(action)Result><Credentials><AccessKeyId>A</AccessKeyId>\
            <SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>\
            <Expiration>1970-01-01T00:01:00.5Z</Expiration></Credentials><AssumedRoleUser><Arn>x</Arn>\
            </AssumedRoleUser></\(action)Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
            </\(action)Response>
            """)
        #expect(
            found.key
                == SigningKey(accessKey: "A", secret: Secret("S"), sessionToken: Secret("T")))
        #expect(found.expires == WallTime(seconds: 60, nanoseconds: 500_000_000))
    }

    @Test(arguments: [
        (200, "<a/>", true), (200, "nothing", false), (200, "<a><Credentials>", false),
        (403, "<Error><Code>AccessDenied</Code></Error>", true), (404, "", true),
        (503, "", false), (429, "", false), (500, "<x", false),
    ])
    func anythingElseIsARefusal(status: Int, body: String, isFinal: Bool) {
        let refusal = #expect(throws: TokenService.Refusal.self) {
            try session(body, status: status)
        }
        #expect(refusal?.isFinal == isFinal && refusal?.sentence.isEmpty == false)
    }
}
