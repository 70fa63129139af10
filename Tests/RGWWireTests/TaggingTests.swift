import RGWObject
import RGWWire
import Testing

/// Tags between S3's XML and the form of `x-amz-tagging`.
@Suite struct TaggingTests {
    private let builder = S3RequestBuilder(
        origin: HTTPOrigin(secure: false, host: "127.0.0.1", port: 7480), style: .path)
    private let address = ObjectAddress(bucket: "b", key: "k")

    private func tags(_ xml: String) throws -> String {
        try S3Response(
            .getTagging, subject: "b/k",
            http: HTTPResponse(status: 200, headers: HTTPHeaders(), body: Array(xml.utf8))
        ).tags()
    }

    @Test func theAnswersTagsAreEncodedPairs() throws {
        #expect(
            try tags(
                "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag>"
                    + "<Tag><Key>c</Key><Value/></Tag></TagSet></Tagging>") == "a%20b=1%262&c=")
        #expect(try tags("<Tagging><TagSet/></Tagging>").isEmpty)
    }

    @Test func settingThemSendsWhatWasRead() throws {
        let request = builder.putTagging(address, tags: "a%20b=1%262&c=")
        #expect(request.method == .put)
        #expect(request.path == "/b/k")
        #expect(request.query.map(\.name) == ["tagging"])
        guard case .bytes(let body) = request.body else {
            Issue.record("no body")
            return
        }
        let xml = String(decoding: body, as: UTF8.self)
        #expect(xml.contains("<Tag><Key>a b</Key><Value>1&amp;2</Value></Tag>"))
        #expect(try tags(xml) == "a%20b=1%262&c=")
    }

    @Test func aPutSendsThemAndACopyDoesNot() throws {
        var metadata = ObjectMetadata()
        metadata.tags = "a=1"
        let put = try builder.putObject(
            address, body: .bytes([]), md5: nil, metadata: metadata, precondition: .none,
            quoting: .unquoted)
        #expect(put.headers["x-amz-tagging"] == "a=1")
        let copy = try builder.copyObject(
            from: address, to: address, metadata: metadata, sourceMatching: nil)
        #expect(copy.headers["x-amz-tagging"] == nil)
    }
}
