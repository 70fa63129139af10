import RGWCrypto
import RGWObject
import RGWWire
import Testing

@Suite struct S3RequestTests {
    let builder = S3RequestBuilder(
        origin: HTTPOrigin(secure: false, host: "127.0.0.1", port: 7480), style: .path)
    let address = ObjectAddress(bucket: "b", key: "a//b ü")

    @Test func keysAreKeptExactly() {
        #expect(builder.headObject(address).target == "/b/a//b%20%C3%BC")
    }

    @Test func anIPv6HostStandsInBrackets() {
        let origin = HTTPOrigin(secure: true, host: "::1", port: 443)
        #expect("\(origin)" == "https://[::1]")
        #expect(HTTPOrigin(secure: false, host: "::1", port: 7480).authority == "[::1]:7480")
    }

    @Test func aListingAsksForEncodedKeysAndClampsItsLimit() {
        let request = builder.listObjects(
            "b", prefix: "p/", delimited: true, after: "p/\u{1}", limit: 5000)
        #expect(
            request.target == "/b?list-type=2&encoding-type=url&max-keys=1000&prefix=p%2F"
                + "&delimiter=%2F&start-after=p%2F%01")
    }

    @Test func conditionsAreWrittenAsRGWWantsThem() throws {
        func put(_ precondition: Precondition, _ quoting: IfMatchQuoting) throws -> HTTPHeaders {
            try builder.putObject(
                address, body: .bytes([1]), md5: Hash.md5([1]), metadata: ObjectMetadata(),
                precondition: precondition, quoting: quoting
            ).headers
        }
        #expect(try put(.absent, .quoted)["if-none-match"] == "*")
        #expect(try put(.matches("abc"), .unquoted)["if-match"] == "abc")
        #expect(try put(.matches("abc"), .quoted)["if-match"] == "\"abc\"")
        #expect(try put(.none, .quoted)["if-match"] == nil)
        #expect(try put(.none, .quoted)["content-md5"] == "VaVACK0bpYmqIQ0mKcHfQQ==")
    }

    @Test func aCopyReplacesAndGuardsItsSource() throws {
        let request = try builder.copyObject(
            from: address, to: address, metadata: ObjectMetadata(user: ["mode": "33188"]),
            sourceMatching: "abc")
        #expect(request.headers["x-amz-copy-source"] == "/b/a//b%20%C3%BC")
        #expect(request.headers["x-amz-metadata-directive"] == "REPLACE")
        #expect(request.headers["x-amz-copy-if-match"] == "abc")
        #expect(
            request.headers["x-amz-copy-source-if-match"] == "abc", "RGW 18 and 20 heed this one")
        #expect(request.headers["x-amz-meta-mode"] == "33188")
    }

    @Test func howAnObjectIsKeptIsSaidWithEveryUploadAndCopy() throws {
        var metadata = ObjectMetadata(user: ["mode": "33188"])
        metadata.websiteRedirect = "/there"
        metadata.storage = StorageTraits(
            storageClass: "COLD", encryption: "aws:kms", encryptionKey: "key")
        let requests = [
            try builder.putObject(
                address, body: .bytes([]), md5: nil, metadata: metadata, precondition: .none,
                quoting: .unquoted),
            try builder.createMultipart(address, metadata: metadata),
            try builder.copyObject(
                from: address, to: address, metadata: metadata, sourceMatching: nil),
            try builder.copyObject(
                from: address, to: address, metadata: nil, storage: metadata.storage,
                sourceMatching: nil),
        ]
        for (index, request) in requests.enumerated() {
            #expect(request.headers["x-amz-storage-class"] == "COLD")
            #expect(request.headers["x-amz-server-side-encryption"] == "aws:kms")
            #expect(request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key")
            let redirect = request.headers["x-amz-website-redirect-location"]
            #expect(redirect == (index == 3 ? nil : "/there"), "COPY keeps it by itself")
        }
    }

    /// The server compares a condition with the manifest's tag, whatever HEAD said.
    @Test func aLargeObjectsConditionNamesItsManifest() throws {
        let tag = ETag(ofSegments: "708795bd55e7b724d141ef6f6b5b4f38")
        let requests = [
            builder.getObject(address, range: nil, matching: tag),
            builder.deleteObject(address, matching: (tag, .quoted)),
            try builder.putObject(
                address, body: .bytes([]), md5: nil, metadata: ObjectMetadata(),
                precondition: .matches(tag), quoting: .quoted),
        ]
        for request in requests {
            #expect(request.headers["if-match"] == "\"\(ETag.ofNothing)\"")
        }
    }

    /// RGW ignores If-Range and copy-source conditions, and answers `x-amz-copy-if-none-match` with a
    /// 304 that has a body.
    @Test func headersThatRGWIgnoresOrBreaksOnAreNeverSent() throws {
        let upload = MultipartUploadAddress(object: address, id: "u")
        let requests = [
            builder.getObject(address, range: 5..<9, matching: "abc"),
            builder.headObject(address), builder.deleteObject(address),
            try builder.copyObject(
                from: address, to: address, metadata: nil, sourceMatching: "abc"),
            try builder.putObject(
                address, body: .bytes([]), md5: nil, metadata: ObjectMetadata(),
                precondition: .matches("abc"), quoting: .unquoted),
            builder.completeMultipart(upload, parts: []),
        ]
        let banned = ["if-range", "x-amz-copy-if-none-match", "x-amz-copy-if-modified-since"]
        for request in requests {
            for field in request.headers {
                #expect(!banned.contains(field.name))
                #expect(
                    !field.name.hasPrefix("x-amz-copy-source-if")
                        || field.name == "x-amz-copy-source-if-match")
            }
        }
        #expect(requests[0].headers["if-match"] == "\"abc\"", "reads take the RFC's form")
        #expect(requests[2].headers["if-match"] == nil, "and DELETE none, unless it is heeded")
        #expect(requests[5].headers["if-none-match"] == nil)
    }

    @Test func everyKeyIsEncodedOnce() throws {
        for text in ["%", "%25", "%2F", "a%20b", "%zz", "+", " ", "//", "/../.", "\u{1}"] {
            let key = try ObjectKey(text)
            let target = builder.headObject(ObjectAddress(bucket: "b", key: key)).target
            #expect(URIEncoding.decode(Array(target.utf8.dropFirst(3))) == key.bytes)
        }
    }

    @Test func bucketsAreCreatedWithoutALocationUnlessAsked() {
        #expect(builder.createBucket("b").body == nil)
        guard case .bytes(let xml)? = builder.createBucket("b", locationConstraint: "a&b").body
        else { return #expect(Bool(false), "no body") }
        #expect(String(decoding: xml, as: UTF8.self).contains(">a&amp;b<"))
    }

    @Test(arguments: ["a\r\nx: y", "a\u{0}", "a\u{7F}", "tab\t"])
    func headerValuesThatHTTPCannotCarryAreRefused(value: String) {
        let error = #expect(throws: ObjectStoreError.self) {
            try builder.createMultipart(address, metadata: ObjectMetadata(user: ["x": value]))
        }
        #expect(error?.kind == .invalidRequest)
    }

    @Test(arguments: ["", "a b", "a:b", "ü"])
    func headerNamesThatHTTPCannotCarryAreRefused(name: String) {
        let user = ["\(name)": "x"]
        let refused = (try? builder.createMultipart(address, metadata: ObjectMetadata(user: user)))
        #expect(refused == nil || name.isEmpty)
    }

    @Test func metadataBeyondTheHeaderLimitIsRefused() throws {
        let fits = ObjectMetadata(user: ["x": String(repeating: "a", count: 14_000)])
        let exceeds = ObjectMetadata(user: ["x": String(repeating: "a", count: 16_000)])
        _ = try builder.createMultipart(address, metadata: fits)
        #expect(throws: ObjectStoreError.self) {
            try builder.createMultipart(address, metadata: exceeds)
        }
    }

    @Test func keysOfABatchSurviveXML() throws {
        let keys: [ObjectKey] = ["a&b<c>", "line\nend\r\ttab", "it's \"q\"", "ü😀"]
        guard case .bytes(let xml)? = builder.deleteObjects(keys, in: "b").body else {
            return #expect(Bool(false), "no body")
        }
        var reader = XMLReader(xml)
        #expect(try reader.root() == "Delete")
        var read: [ObjectKey] = []
        while let name = try reader.nextChild() {
            guard name == "Object" else {
                try reader.skip()
                continue
            }
            while try reader.nextChild() != nil { read.append(try ObjectKey(reader.text())) }
        }
        #expect(read == keys)
    }

    @Test(arguments: [
        ("plain", true), ("tab\t", true), ("\u{1}", false), ("\u{1F}", false), ("\u{FFFE}", false),
        ("\u{FFFF}", false), ("\u{7F}", true), ("😀", true),
    ])
    func keysThatXMLCannotCarryAreKnown(key: ObjectKey, safe: Bool) {
        #expect(S3RequestBuilder.isXMLSafe(key) == safe)
    }
}
