package import RGWObject

extension S3Response {
    /// InitiateMultipartUploadResult: the upload's id.
    package func uploadID() throws(S3Failure) -> UploadID {
        try requireSuccess()
        var xml = try reader(root: "InitiateMultipartUploadResult")
        let id = try parsing { () throws(XMLError) -> String in
            var id = ""
            while let name = try xml.nextChild() {
                if name == "UploadId" { id = try xml.string() } else { try xml.skip() }
            }
            try xml.finish()
            return id
        }
        guard (1...Self.uploadIDBytesMax).contains(id.utf8.count) else {
            throw malformed("no valid UploadId")
        }
        return UploadID(id)
    }

    /// It goes into every request for a part. RGW's have 34 characters.
    private static let uploadIDBytesMax = 1024

    /// CompleteMultipartUploadResult. Its ETag is empty on RGW 16, so it is not looked at; an error
    /// may come under status 200.
    package func requireCompleted() throws(S3Failure) {
        try requireSuccess()
        var xml = try reader(root: "CompleteMultipartUploadResult")
        try parsing { () throws(XMLError) in
            try xml.skip()
            try xml.finish()
        }
    }

    /// ListPartsResult: one page, and whether another follows its last part.
    package func parts() throws(S3Failure) -> (parts: [ListedPart], isTruncated: Bool) {
        try requireSuccess()
        var xml = try reader(root: "ListPartsResult")
        let raw = try parsing { () throws(XMLError) in
            try RawPage(&xml, of: "Part", entry: RawPart.init)
        }
        var parts: [ListedPart] = []
        for entry in raw.entries {
            guard let number = Int(entry.number), (1...UploadedPart.numberMax).contains(number),
                let size = Self.size(entry.size), !ETag(entry.etag).text.isEmpty,
                number > parts.last?.part.number ?? 0
            else { throw malformed("a listed part") }
            let part = UploadedPart(number: number, etag: ETag(entry.etag))
            parts.append(ListedPart(part: part, size: size))
        }
        guard !raw.truncated || !parts.isEmpty else {
            throw malformed("a truncated page without a part")
        }
        return (parts, raw.truncated)
    }

    /// ListMultipartUploadsResult. What the next page follows is the last upload of this one, never
    /// NextKeyMarker: RGW does not encode it when it encodes the keys.
    package func uploads(of bucket: BucketName) throws(S3Failure) -> UploadPage {
        try requireSuccess()
        var xml = try reader(root: "ListMultipartUploadsResult")
        let raw = try parsing { () throws(XMLError) in
            try RawPage(&xml, of: "Upload", entry: RawUpload.init)
        }
        var uploads: [OpenUpload] = []
        for entry in raw.entries {
            guard let key = try? ObjectKey(entry.key), !entry.id.isEmpty,
                let time = CivilTime.parseISO8601(entry.initiated)
            else { throw malformed("a listed upload") }
            let address = MultipartUploadAddress(
                object: ObjectAddress(bucket: bucket, key: key), id: UploadID(entry.id))
            uploads.append(OpenUpload(upload: address, initiated: time))
        }
        guard !raw.truncated || !uploads.isEmpty else {
            throw malformed("a truncated page without an upload")
        }
        return UploadPage(uploads: uploads, next: raw.truncated ? uploads.last : nil)
    }
}

/// A page of a listing as its XML has it: the entries, and whether others follow.
private struct RawPage<Entry> {
    var entries: [Entry] = []
    var truncated = false

    /// `element`: what an entry is called; `entry` reads one to its end.
    init(
        _ xml: inout XMLReader, of element: String,
        entry: (inout XMLReader) throws(XMLError) -> Entry
    ) throws(XMLError) {
        while let name = try xml.nextChild() {
            switch name {
            case element: entries.append(try entry(&xml))
            case "IsTruncated": truncated = try xml.text() == Array("true".utf8)
            default: try xml.skip()
            }
        }
        try xml.finish()
    }
}

/// Part of ListPartsResult.
private struct RawPart {
    var number = ""
    var etag = ""
    var size = ""

    init(_ xml: inout XMLReader) throws(XMLError) {
        while let name = try xml.nextChild() {
            switch name {
            case "PartNumber": number = try xml.string()
            case "ETag": etag = try xml.string()
            case "Size": size = try xml.string()
            default: try xml.skip()
            }
        }
    }
}

/// Upload of ListMultipartUploadsResult.
private struct RawUpload {
    var key: [UInt8] = []
    var id = ""
    var initiated = ""

    init(_ xml: inout XMLReader) throws(XMLError) {
        while let name = try xml.nextChild() {
            switch name {
            case "Key": key = try xml.text()
            case "UploadId": id = try xml.string()
            case "Initiated": initiated = try xml.string()
            default: try xml.skip()
            }
        }
    }
}
