package import RGWObject

/// One entry of ListObjectVersions.
package struct ListedVersion: Equatable, Sendable {
    /// As it is listed, still encoded: good for comparing entries of one answer.
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
        return try parsing { () throws(XMLError) -> [ListedVersion] in
            var versions: [ListedVersion] = []
            while let name = try xml.nextChild() {
                switch name {
                case "Version", "DeleteMarker":
                    versions.append(try Self.version(&xml, isMarker: name == "DeleteMarker"))
                default: try xml.skip()
                }
            }
            try xml.finish()
            return versions
        }
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
