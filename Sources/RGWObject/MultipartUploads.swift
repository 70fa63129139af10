package import RGWBase

/// The server's name of an upload in parts; opaque.
package struct UploadID: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let text: String
    package init(_ text: String) { self.text = text }
    package init(stringLiteral value: String) { self.init(value) }
    package var description: String { text }
}

/// One upload in parts: of which object, and which of its uploads.
package struct MultipartUploadAddress: Hashable, Sendable, CustomStringConvertible {
    package let object: ObjectAddress
    package let id: UploadID

    package init(object: ObjectAddress, id: UploadID) {
        self.object = object
        self.id = id
    }
    package var description: String { "\(object) (upload \(id))" }
}

/// A part that the server has, as completing names it.
package struct UploadedPart: Hashable, Sendable {
    /// 1 ... 10,000. Source: S3 API reference, "Multipart upload limits".
    package let number: Int
    /// The MD5 of its bytes.
    package let etag: ETag

    package static let numberMax = 10_000

    package init(number: Int, etag: ETag) {
        self.number = number
        self.etag = etag
    }
}

/// A part as ListParts shows it.
package struct ListedPart: Hashable, Sendable {
    package let part: UploadedPart
    /// Bytes.
    package let size: UInt64

    package init(part: UploadedPart, size: UInt64) {
        self.part = part
        self.size = size
    }
}

/// An upload that was neither completed nor aborted.
package struct OpenUpload: Hashable, Sendable {
    package let upload: MultipartUploadAddress
    /// When it was created.
    package let initiated: WallTime

    package init(upload: MultipartUploadAddress, initiated: WallTime) {
        self.upload = upload
        self.initiated = initiated
    }
}

/// One page of ListMultipartUploads.
package struct UploadPage: Equatable, Sendable {
    package var uploads: [OpenUpload]
    /// What the next page follows (`after`); nil at the end.
    package var next: OpenUpload?

    package init(uploads: [OpenUpload], next: OpenUpload?) {
        self.uploads = uploads
        self.next = next
    }
}
