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

@Suite struct MountStatusTests {
    private func status(_ values: [MountStatus.Attribute: String]) -> MountStatus? {
        MountStatus { values[$0] }
    }

    @Test func attributesAreRead() throws {
        let read = try #require(
            status([
                .pending: "3", .pendingBytes: "1536", .uploading: "2", .failed: "0",
            ]))
        #expect(read.exitCode == 1)
        #expect(read.summary == "pending: 3 files (1.5 KiB) waiting, 2 uploading")
        #expect(
            read.json == #"{"state":"pending","pending":3,"pending_bytes":1536,"#
                + #""uploading":2,"failed":0}"#)
        #expect(
            read.leftover(spool: "/var/lib/rgwfs/0123")
                == "3 files (1536 bytes) still wait in /var/lib/rgwfs/0123; they upload at the next "
                + "mount"
        )
    }

    @Test func otherDirectoriesAreNoMounts() {
        #expect(status([:]) == nil)
        #expect(status([.pending: "x", .pendingBytes: "1", .uploading: "2", .failed: "0"]) == nil)
    }

    @Test(arguments: [(0, 0, 0), (1, 0, 1), (1, 1, 2), (0, 1, 2)] as [(UInt64, UInt64, Int32)])
    func theExitCodeTellsTheState(pending: UInt64, failed: UInt64, code: Int32) {
        let status = MountStatus(pending: pending, pendingBytes: 0, uploading: 0, failed: failed)
        #expect(status.exitCode == code)
        #expect(status.isClean == (code == 0))
    }

    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 30, "5.0 GiB"),
            (1_048_575, "1024.0 KiB"), (UInt64.max, "16384.0 PiB"),
        ] as [(UInt64, String)])
    func sizesAreShort(bytes: UInt64, text: String) { #expect(MountStatus.size(bytes) == text) }
}
