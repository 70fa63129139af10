import RGWBase
import RGWObject
import RGWWire
import Testing

@Suite struct S3ResponseTests {
    private func answer(
        _ operation: S3Operation, status: Int = 200, _ body: String = "",
        _ fields: [String: String] = [:]
    ) -> S3Response {
        var headers = HTTPHeaders()
        for (name, value) in fields { headers.append(name, value) }
        return S3Response(
            operation, subject: "b/k",
            http: HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
    }

    @Test func aListingIsUnescapedThenDecoded() throws {
        let page = try answer(.listObjects, AnswerFuzzTests.corpus[0]).listPage()
        #expect(page.objects.map(\.key) == ["a +it's"])
        #expect(page.objects[0].etag == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(
            page.objects[0].lastModified
                == WallTime(seconds: 1_709_210_096, nanoseconds: 789_000_000))
        #expect(page.commonPrefixes == ["a /"])
        #expect(page.next == "a /")
    }

    @Test func theNextPageStartsBehindTheLastKeyNotAtTheToken() throws {
        let xml = """
            <ListBucketResult><NextContinuationToken>zzz</NextContinuationToken>\
            <IsTruncated>true</IsTruncated><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>\
            <Contents><Key>b%41</Key><LastModified>2024-02-29T12:34:56Z</LastModified>\
            <ETag>e</ETag><Size>9223372036854775807</Size></Contents></ListBucketResult>
            """
        let page = try answer(.listObjects, xml).listPage()
        #expect(page.next == "b%41", "without EncodingType nothing is decoded")
        #expect(page.objects[0].size == UInt64(Int64.max))
    }

    @Test(arguments: [
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        "<ListBucketResult><CommonPrefixes><Prefix></Prefix></CommonPrefixes></ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><CommonPrefixes><Prefix>%ff</Prefix>"
            + "</CommonPrefixes></ListBucketResult>",
        "<ListBucketResult>", "<Other/>", "", "<html/>",
        // No off_t holds it, and whoever adds to it would overflow.
        "<ListBucketResult><Contents><Key>a</Key><LastModified>2024-02-29T12:34:56Z</LastModified>"
            + "<ETag>e</ETag><Size>18446744073709551615</Size></Contents></ListBucketResult>",
    ])
    func aBrokenListingIsNeverAnEmptyDirectory(xml: String) {
        let failure = #expect(throws: S3Failure.self) { try answer(.listObjects, xml).listPage() }
        #expect(failure?.error.kind == .malformedAnswer)
    }

    private func head(_ fields: [String: String]) throws -> ObjectHead {
        try answer(
            .headObject, "",
            [
                "etag": "\"e\"", "last-modified": "Thu, 01 Jan 1970 00:00:09 GMT",
                "content-length": "3000",
            ].merging(fields) { $1 }
        ).objectHead()
    }

    @Test(
        arguments: [
            ("aws-chunked", nil), ("AWS-Chunked", nil), ("aws-chunked,gzip", "gzip"),
            ("br, aws-chunked, gzip", "br, gzip"), ("gzip", "gzip"), ("gzip,br", "gzip,br"),
            ("", ""),
        ] as [(String, String?)])
    func howABodyWasSentIsNoCodingOfTheObject(sent: String, kept: String?) throws {
        #expect(try head(["content-encoding": sent]).metadata.contentEncoding == kept)
    }

    @Test func whatIsKeptWithAnObjectIsRead() throws {
        let metadata = try head([
            "x-amz-storage-class": "COLD", "x-amz-website-redirect-location": "/there",
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": "key",
        ]).metadata
        #expect(metadata.websiteRedirect == "/there")
        #expect(
            metadata.storage
                == StorageTraits(storageClass: "COLD", encryption: "aws:kms", encryptionKey: "key"))
    }

    @Test(arguments: ["x-object-manifest", "x-object-meta-static-large-object"])
    func aLargeObjectsTagIsMarkedAndItsRangesEndWhereTheySay(name: String) throws {
        #expect(try head([name: "b/p/"]).etag == ETag(ofSegments: "e"))
        #expect(try head([:]).etag == "e")
        // As RGW 16 to 20 answer `bytes=1990-2009`.
        let fields = [
            "etag": "e", "content-length": "20", "content-range": "bytes 0-2009/3000",
            "last-modified": "Thu, 01 Jan 1970 00:00:09 GMT",
        ]
        let part = answer(.getObject, status: 206, "", fields.merging([name: "b/p/"]) { $1 })
        #expect(try part.deliveredRange() == 1990..<2010)
        #expect(try part.objectHead().size == 3000)
    }

    @Test func anErrorUnderStatus200IsAnError() {
        let answer = answer(.copyObject, "<Error><Code>InternalError</Code></Error>")
        let completed = #expect(throws: S3Failure.self) { try answer.requireCompleted() }
        #expect(completed?.retry == .perhapsDone)
        let copied = #expect(throws: S3Failure.self) {
            try answer.copied(now: WallTime(seconds: 0))
        }
        #expect(copied?.retry == .perhapsDone)
    }

    @Test func anEmptyTagOfACompletedUploadIsNoError() throws {
        try answer(.completeMultipart, AnswerFuzzTests.corpus[5]).requireCompleted()
    }

    @Test func theHeadKeepsWhatACopyMustSendAgain() throws {
        let head = try answer(
            .headObject, "",
            [
                "ETag": "\"abc\"", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
                "Content-Length": "5", "Content-Type": "text/plain", "Cache-Control": "no-store",
                "Content-Disposition": "inline", "Content-Encoding": "gzip",
                "Content-Language": "de", "Expires": "0", "X-Amz-Meta-Mode": "33188",
            ]
        ).objectHead()
        #expect(head.etag == "abc")
        #expect(head.size == 5)
        #expect(head.lastModified == WallTime(seconds: 784_111_777))
        #expect(
            head.metadata
                == ObjectMetadata(
                    contentType: "text/plain", cacheControl: "no-store",
                    contentDisposition: "inline", contentEncoding: "gzip", contentLanguage: "de",
                    expires: "0", user: ["mode": "33188"]))
    }

    @Test(arguments: [
        ["Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Content-Length": "5"],
        ["ETag": "\"\"", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Content-Length": "5"],
        ["ETag": "a", "Last-Modified": "yesterday", "Content-Length": "5"],
        [
            "ETag": String(repeating: "a", count: 257), "Content-Length": "5",
            "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
        ],
        ["ETag": "a", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"],
        ["ETag": "a", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Content-Length": "-5"],
    ])
    func aHeadWithoutItsPartsIsMalformed(fields: [String: String]) {
        let failure = #expect(throws: S3Failure.self) {
            try answer(.headObject, "", fields).objectHead()
        }
        #expect(failure?.error.kind == .malformedAnswer)
    }

    @Test(
        arguments: [
            ("bytes 0-9/100", 0..<10), ("bytes 90-99/100", 90..<100), ("bytes 9-0/100", nil),
            ("bytes 0-100/100", nil), ("bytes */100", nil), ("bytes 0-9/*", nil), ("0-9/100", nil),
            ("bytes 0-18446744073709551615/18446744073709551615", nil), ("bytes 0--9/100", nil),
        ] as [(String, Range<UInt64>?)])
    func contentRangeIsReadOrRefused(text: String, range: Range<UInt64>?) {
        let read = try? answer(
            .getObject, status: 206, "", ["Content-Range": text, "Content-Length": "10"]
        )
        .deliveredRange()
        #expect(read == range)
    }

    @Test(
        arguments: [
            (nil, 0..<10), ("bytes 0-9/10", 0..<10), ("bytes 1-10/11", nil), ("bytes 0-8/10", nil),
            ("nonsense", nil),
        ] as [(String?, Range<UInt64>?)])
    func aWholeBodyIsNoPart(text: String?, range: Range<UInt64>?) {
        let fields = ["Content-Range": text, "Content-Length": "10"].compactMapValues(\.self)
        #expect((try? answer(.getObject, status: 200, "", fields).deliveredRange()) == range)
    }

    @Test func aTagThatIsNotTheDigestIsMalformed() throws {
        let sent = answer(.putObject, "", ["ETag": "\"0CC175b9c0f1b6a831c399e269772661\""])
        let digest: [UInt8] = [
            0x0C, 0xC1, 0x75, 0xB9, 0xC0, 0xF1, 0xB6, 0xA8, 0x31, 0xC3, 0x99, 0xE2, 0x69, 0x77,
            0x26,
            0x61,
        ]
        let now = WallTime(seconds: 7)
        #expect(try sent.stored(md5: digest, now: now).lastModified == now)
        let failure = #expect(throws: S3Failure.self) {
            try sent.stored(md5: digest.reversed(), now: now)
        }
        #expect(failure?.error.kind == .malformedAnswer)
    }

    @Test func failuresOfABatchAreNamed() throws {
        let failures = try answer(.deleteObjects, AnswerFuzzTests.corpus[2])
            .deleteFailures(bucket: "b")
        #expect(failures.map(\.key) == ["b\r"])
        #expect(failures[0].error.kind == .accessDenied)
    }

    @Test func bucketUsageTakesTheTighterQuota() throws {
        let usage = try answer(
            .headBucket, "",
            [
                "X-RGW-Object-Count": "3", "X-RGW-Bytes-Used": "70",
                "X-RGW-Quota-User-Size": "500", "X-RGW-Quota-Bucket-Size": "100",
                "X-RGW-Quota-User-Objects": "-1", "X-RGW-Quota-Bucket-Objects": "-1",
            ]
        ).bucketUsage()
        #expect(usage == BucketUsage(objects: 3, bytes: 70, quotaBytes: 100, quotaObjects: nil))
        #expect(try answer(.headBucket).bucketUsage() == BucketUsage())
    }
}
