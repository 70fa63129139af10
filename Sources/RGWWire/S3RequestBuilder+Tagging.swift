import RGWCrypto
package import RGWObject

/// An object's tags.
///
/// RGW 16 keeps the `x-amz-tagging` of a PUT; that of a COPY leaves a set of tags that cannot be read, and
/// COPY with REPLACE drops the source's whatever `x-amz-tagging-directive` says. So tags are set after a
/// copy. Measured on RGW 16.2.
extension S3RequestBuilder {
    package func getTagging(_ address: ObjectAddress) -> HTTPRequest {
        request(.get, address.bucket, address.key, query: [QueryItem("tagging")])
    }

    /// `tags` as `ObjectMetadata.tags` has them.
    package func putTagging(_ address: ObjectAddress, tags: String) -> HTTPRequest {
        var xml = Array("<Tagging><TagSet>".utf8)
        for tag in tags.split(separator: "&") {
            let halves = tag.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            xml += "<Tag><Key>".utf8
            Self.appendEscaped(Self.decoded(halves.first), to: &xml)
            xml += "</Key><Value>".utf8
            Self.appendEscaped(Self.decoded(halves.count > 1 ? halves[1] : nil), to: &xml)
            xml += "</Value></Tag>".utf8
        }
        xml += "</TagSet></Tagging>".utf8
        var request = request(
            .put, address.bucket, address.key, query: [QueryItem("tagging")], body: .bytes(xml))
        request.headers["content-type"] = "application/xml"
        request.headers["content-md5"] = Base64.encode(Hash.md5(xml))
        return request
    }

    private static func decoded(_ text: Substring?) -> [UInt8] {
        let bytes = Array((text ?? "").utf8)
        return URIEncoding.decode(bytes) ?? bytes
    }
}

extension S3Response {
    /// Tagging: the tags as `x-amz-tagging` has them.
    package func tags() throws(S3Failure) -> String {
        try requireSuccess()
        var xml = try reader(root: "Tagging")
        let pairs = try parsing { () throws(XMLError) -> [(String, String)] in
            var pairs: [(String, String)] = []
            while let name = try xml.nextChild() {
                guard name == "TagSet" else {
                    try xml.skip()
                    continue
                }
                while let name = try xml.nextChild() {
                    if name == "Tag" { pairs.append(try Self.tag(&xml)) } else { try xml.skip() }
                }
            }
            try xml.finish()
            return pairs
        }
        return pairs.map {
            "\(URIEncoding.encodeQuery($0.0))=\(URIEncoding.encodeQuery($0.1))"
        }.joined(separator: "&")
    }

    private static func tag(_ xml: inout XMLReader) throws(XMLError) -> (String, String) {
        var tag = ("", "")
        while let name = try xml.nextChild() {
            switch name {
            case "Key": tag.0 = try xml.string()
            case "Value": tag.1 = try xml.string()
            default: try xml.skip()
            }
        }
        return tag
    }
}
