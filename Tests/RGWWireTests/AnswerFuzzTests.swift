import RGWBase
import RGWObject
import RGWWire
import Testing

/// A generator whose numbers depend on its seed alone (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Every parser of answers sees mutants of real answers: it may refuse them, never trap, and what
/// it accepts obeys the rules.
@Suite struct AnswerFuzzTests {
    static let corpus = [
        """
        <?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/\
        2006-03-01/"><Name>b</Name><Prefix>a%20</Prefix><MaxKeys>2</MaxKeys>\
        <Delimiter>/</Delimiter>\
        <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Contents><Key>a%20%2B\
        it&apos;s</Key><LastModified>2024-02-29T12:34:56.789Z</LastModified>\
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>0</Size>\
        </Contents><CommonPrefixes><Prefix>a%20/</Prefix></CommonPrefixes></ListBucketResult>
        """,
        """
        <ListAllMyBucketsResult><Owner><ID>t</ID></Owner><Buckets><Bucket><Name>b</Name>\
        <CreationDate>2024-02-29T12:34:56.789Z</CreationDate></Bucket></Buckets>\
        </ListAllMyBucketsResult>
        """,
        """
        <DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b&#13;</Key><Code>AccessDenied\
        </Code><Message>no</Message></Error></DeleteResult>
        """,
        """
        <CopyObjectResult><LastModified>2024-02-29T12:34:56.789Z</LastModified><ETag>abc</ETag>\
        </CopyObjectResult>
        """,
        "<InitiateMultipartUploadResult><UploadId>2~a</UploadId></InitiateMultipartUploadResult>",
        "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>",
        "<Error><Code>NoSuchKey</Code><Message><![CDATA[x]]></Message></Error>",
        """
        <ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><ETag>\
        &quot;abc&quot;</ETag><Size>5</Size></Part><Part><PartNumber>2</PartNumber><ETag>def</ETag>\
        <Size>1</Size></Part></ListPartsResult>
        """,
        """
        <ListMultipartUploadsResult><IsTruncated>true</IsTruncated><Upload><Key>a&#x01;b</Key>\
        <UploadId>2~a</UploadId><Initiated>2024-02-29T12:34:56.789Z</Initiated></Upload>\
        </ListMultipartUploadsResult>
        """,
    ]

    private static func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        let tokens = [
            "<", ">", "</", "&", ";", "%", "%00", "%zz", "]]>", "<![CDATA[", "&#x0;", "\"",
        ]
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: at)
            case 2: bytes.removeLast(bytes.count - at)
            case 3:
                bytes.insert(
                    contentsOf: tokens.randomElement(using: &generator)?.utf8 ?? "".utf8, at: at)
            case 4:
                let end = min(bytes.count, at + Int.random(in: 1...40, using: &generator))
                bytes.insert(contentsOf: bytes[at..<end], at: at)
            default:
                let end = min(bytes.count, at + Int.random(in: 1...40, using: &generator))
                bytes.removeSubrange(at..<end)
            }
        }
        return bytes
    }

    @Test(arguments: 0..<8)
    func mutantsAreRefusedOrObeyTheRules(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for round in 0..<1500 {
            let original = Self.corpus[round % Self.corpus.count]
            let body = Self.mutate(Array(original.utf8), &generator)
            let statuses = [200, 200, 200, 206, 404, 500]
            let status = statuses.randomElement(using: &generator) ?? 200
            let answer = S3Response(
                .listObjects, subject: "b/", http: HTTPResponse(status: status, body: body))
            if let page = try? answer.listPage() {
                accepted += 1
                #expect(
                    (page.next == nil) || !(page.objects.isEmpty && page.commonPrefixes.isEmpty))
                #expect(
                    page.next.map { next in page.objects.allSatisfy { $0.key <= next } } ?? true)
            }
            _ = try? answer.buckets()
            _ = try? answer.deleteFailures(bucket: "b")
            _ = try? answer.copied(now: WallTime(seconds: 0))
            _ = try? answer.uploadID()
            _ = try? answer.requireCompleted()
            if let page = try? answer.parts() { #expect(!page.isTruncated || !page.parts.isEmpty) }
            if let page = try? answer.uploads(of: "b") {
                #expect(page.next == nil || page.next == page.uploads.last)
            }
            _ = try? answer.requireSuccess()
        }
        // Some mutants are harmless: a mutator whose output is always refused tests nothing.
        #expect(accepted > 0)
    }

    @Test(arguments: 0..<4)
    func mutatedHeadersAreRefusedOrObeyTheRules(seed: UInt64) {
        var generator = SeededGenerator(seed: seed &+ 100)
        let fields = [
            ("etag", "\"abc\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("content-length", "10"), ("content-range", "bytes 0-9/100"), ("x-amz-meta-mode", "1"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("x-rgw-bytes-used", "7"),
            ("retry-after", "3"),
        ]
        for _ in 0..<1500 {
            var headers = HTTPHeaders()
            for (name, value) in fields {
                let mutant =
                    Bool.random(using: &generator)
                    ? Self.mutate(Array(value.utf8), &generator) : Array(value.utf8)
                headers.append(name, String(decoding: mutant, as: UTF8.self))
            }
            let status = [200, 206, 503].randomElement(using: &generator) ?? 200
            let answer = S3Response(
                .getObject, subject: "b/k", http: HTTPResponse(status: status, headers: headers))
            if let head = try? answer.objectHead() { #expect(!head.etag.text.isEmpty) }
            if let range = try? answer.deliveredRange() {
                #expect(range.lowerBound <= range.upperBound)
            }
            _ = try? answer.bucketUsage()
            _ = try? answer.stored(md5: nil, now: WallTime(seconds: 0))
        }
    }
}
