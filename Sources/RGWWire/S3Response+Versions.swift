package import RGWObject

/// One entry of ListObjectVersions.
package struct ListedVersion: Equatable, Sendable {
    package var key: [UInt8] = []
    package var version = ""
    /// Nil: a delete marker.
    package var etag: ETag?
}

extension S3Response {
    /// The id of the version that a PUT or the end of an upload made, where the bucket keeps versions.
    package var keptVersion: String? {
        guard let version = http.headers["x-amz-version-id"], !version.isEmpty, version != "null"
        else { return nil }
        return version
    }

    /// ListVersionsResult, in its order: of one key, the newest first.
    package func versions() throws(S3Failure) -> [ListedVersion] {
        try requireSuccess()
        var xml = try reader(root: "ListVersionsResult")
        let (raw, encoded) = try parsing { () throws(XMLError) -> ([ListedVersion], Bool) in
            var versions: [ListedVersion] = []
            var encoded = false
            while let name = try xml.nextChild() {
                switch name {
                case "Version", "DeleteMarker":
                    versions.append(try Self.version(&xml, isMarker: name == "DeleteMarker"))
                case "EncodingType": encoded = try xml.text() == Array("url".utf8)
                default: try xml.skip()
                }
            }
            try xml.finish()
            return (versions, encoded)
        }
        guard encoded else { return raw }
        var versions = raw
        for index in versions.indices {
            guard let key = URIEncoding.decode(versions[index].key) else {
                throw malformed("a listed key")
            }
            versions[index].key = key
        }
        return versions
    }

    private static func version(
        _ xml: inout XMLReader, isMarker: Bool
    ) throws(XMLError) -> ListedVersion {
        var version = ListedVersion()
        var tag = ""
        while let name = try xml.nextChild() {
            switch name {
            case "Key": version.key = try xml.text()
            case "VersionId": version.version = try xml.string()
            case "ETag": tag = try xml.string()
            default: try xml.skip()
            }
        }
        if !isMarker { version.etag = ETag(tag) }
        return version
    }

    /// VersioningConfiguration's status; nil: it was never switched on.
    package func versioningStatus() throws(S3Failure) -> String? {
        try requireSuccess()
        var xml = try reader(root: "VersioningConfiguration")
        return try parsing { () throws(XMLError) -> String? in
            var status: String?
            while let name = try xml.nextChild() {
                if name == "Status" { status = try xml.string() } else { try xml.skip() }
            }
            try xml.finish()
            return status
        }
    }
}
