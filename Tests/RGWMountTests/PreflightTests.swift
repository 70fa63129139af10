import RGWBase
import RGWObject
import Testing

@testable import RGWMount

@Suite struct PreflightTests {
    private func said(
        _ kind: ObjectStoreError.Kind, status: Int? = nil, code: String? = nil,
        message: String? = nil, url: String = "http://10.0.0.1:7480", anonymous: Bool = false,
        looked: String? = nil
    ) throws -> String {
        let options = "url=\(url)" + (anonymous ? ",public_bucket" : "")
        let plan = try plan(["photos/2024", "/mnt/photos", "-o", options])
        var error = ObjectStoreError(
            kind, operation: "LIST photos", status: status, code: code, message: message)
        error.bucketName = looked
        let failure = MountFailure.server(PreflightFailure(error, plan.preflight))
        #expect(failure.status == .mountFailed)
        return failure.description
    }

    @Test func eachUsualMistakeHasItsSentence() throws {
        #expect(
            try said(.noSuchBucket, status: 404, code: "NoSuchBucket")
                == "photos: no such bucket at http://10.0.0.1:7480 (user testkey)")
        #expect(
            try said(.badCredentials, status: 403, code: "InvalidAccessKeyId")
                == "http://10.0.0.1:7480 does not know user testkey")
        #expect(
            try said(.badCredentials, status: 403, code: "SignatureDoesNotMatch")
                == "http://10.0.0.1:7480 says that the secret key of user testkey is wrong")
        #expect(
            try said(.accessDenied, status: 403, code: "AccessDenied").hasPrefix(
                "photos: http://10.0.0.1:7480 denies access to user testkey; where STS is on"))
        #expect(
            try said(.accessDenied, status: 403, anonymous: true)
                == "photos: http://10.0.0.1:7480 denies access to an anonymous user")
        #expect(
            try said(.unreachable, message: "Could not resolve host: nowhere")
                == "cannot reach http://10.0.0.1:7480: Could not resolve host: nowhere")
        #expect(
            try said(.timedOut)
                == "http://10.0.0.1:7480 did not answer within 10s (connect_timeout)")
        #expect(try said(.clockSkew, status: 403).contains("clock"))
        #expect(try said(.busy, status: 503, code: "SlowDown").contains("(HTTP 503 SlowDown)"))
    }

    @Test func aHostNameMayBeTakenForABucket() throws {
        #expect(try said(.noSuchBucket, url: "http://rgw.example").contains("rgw_dns_name"))
        #expect(try !said(.noSuchBucket, url: "http://[::1]:7480").contains("rgw_dns_name"))
        let taken = try said(.noSuchBucket, url: "http://rgw.example", looked: "rgw.example")
        #expect(taken.contains("takes its own name") && taken.contains("rgw_dns_name"))
        #expect(
            try !said(.noSuchBucket, url: "http://rgw.example", looked: "photos").contains("dns"))
    }

    @Test func whoGaveNoSchemeIsToldOfTheOneThatWasTaken() throws {
        let guessed = try said(.unreachable, message: "wrong version number", url: "rgw:7480")
        #expect(
            guessed == "cannot reach https://rgw:7480: wrong version number; for a server without "
                + "TLS say url=http://...")
        #expect(try !said(.unreachable, message: "x", url: "https://rgw").contains("http://..."))
    }

    @Test(arguments: [
        ("https://10.0.0.1:7480", "does not speak TLS", "http://10.0.0.1:7480"),
        ("http://10.0.0.1:7443", "speaks TLS", "https://10.0.0.1:7443"),
    ])
    func theOtherSchemeIsNamedWhenItAnswers(url: String, does: String, other: String) throws {
        let plan = try plan(["photos", "/mnt/photos", "-o", "url=\(url)"])
        var context = plan.preflight
        context.otherSchemeAnswers = true
        let error = ObjectStoreError(.unreachable, operation: "LIST photos", message: "x")
        #expect(
            PreflightFailure(error, context).description
                == "cannot reach \(url): the server \(does) at this port: use url=\(other)")
    }

    @Test func aForeignRegionIsHinted() throws {
        #expect(
            try said(.invalidRequest, status: 400, code: "AuthorizationHeaderMalformed")
                .contains("(region=default)"))
        #expect(
            try !said(.invalidRequest, status: 400, code: "InvalidArgument").contains("region="))
    }

    @Test(arguments: ObjectStoreError.Kind.allCases)
    func everyErrorIsOneSentenceNamingTheServer(kind: ObjectStoreError.Kind) throws {
        let text = try said(kind, status: 500, code: "X\nY", message: "two\nlines")
        #expect(text.contains("http://10.0.0.1:7480"))
        #expect(!text.contains("\n") && !text.contains(theSecret))
    }
}
