import RGWMount
import RGWObject
import Testing

@Suite struct MountSourceTests {
    @Test(
        arguments: [
            ("photos", nil, "photos", ""), ("photos/", nil, "photos", ""),
            ("photos/2024", nil, "photos", "2024/"),
            ("photos/2024/may/", nil, "photos", "2024/may/"),
            ("s3://photos/2024", nil, "photos", "2024/"), ("acme:photos", "acme", "photos", ""),
            ("acme:photos/a:b", "acme", "photos", "a:b/"),
            ("Old_Bucket.1-x", nil, "Old_Bucket.1-x", ""),
        ] as [(String, String?, String, String)])
    func sourcesAreRead(text: String, tenant: String?, name: String, prefix: String) throws {
        let source = try MountSource(parsing: text)
        #expect(source.bucket == BucketName(tenant: tenant, name: name))
        #expect(source.prefix == Array(prefix.utf8))
        #expect(try MountSource(parsing: source.description) == source)
    }

    @Test(arguments: [
        ("", "is empty"), ("http://h/b", "is a URL"),
        ("ab", "at least 3"), ("pho tos", "consists of"),
        ("-photos", "begins with"), ("x:", "is missing"), (":photos", "tenant"),
        ("a-b:photos", "tenant"), ("a:b:photos", "no ':'"), ("/photos", "is missing"),
        ("photos//x", "empty"), ("photos/../x", "'..'"), ("photos/.", "'.'"),
        ("bucket$", "consists"),
    ])
    func wrongSourcesSayWhy(text: String, part: String) {
        #expect { try MountSource(parsing: text) } throws: { "\($0)".contains(part) }
        #expect(failure([text, "/mnt/photos", "-o", "url=http://h"])?.status == .usage)
    }

    @Test(arguments: ["/", "//", "s3://"])
    func aSlashIsAllBuckets(text: String) throws {
        let source = try MountSource(parsing: text)
        #expect(source.bucket == nil && source.prefix.isEmpty && source.description == "/")
    }

    @Test func longNamesAreRefused() {
        let long = String(repeating: "x", count: 256)
        #expect(throws: SourceError.self) { try MountSource(parsing: long) }
        #expect(throws: SourceError.self) { try MountSource(parsing: "photos/\(long)") }
        let deep = Array(repeating: "part", count: 300).joined(separator: "/")
        #expect(throws: SourceError.self) { try MountSource(parsing: "photos/\(deep)") }
    }
}
