import RGWBase

/// An S3 object key: 1 to 1,024 bytes of UTF-8 without NUL, compared by bytes.
///
/// RGW refuses longer keys and invalid UTF-8 with InvalidObjectName, and NUL with InvalidRequest
/// (`src/rgw/rgw_rest_s3.cc`, `validate_object_name`); rgwfs refuses them before a request is made.
package struct ObjectKey: Hashable, Sendable, Comparable, ExpressibleByStringLiteral,
    CustomStringConvertible
{
    package let bytes: [UInt8]

    package enum Invalid: Error, Equatable, Sendable {
        case empty
        case tooLong
        case notUTF8
        case containsNUL
    }

    /// Source: rgw_rest_s3.cc, `validate_object_name`.
    package static let lengthMax = 1024

    package init(_ bytes: [UInt8]) throws(Invalid) {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Self.lengthMax else { throw .tooLong }
        guard !bytes.contains(0) else { throw .containsNUL }
        guard bytes.isUTF8 else { throw .notUTF8 }
        self.bytes = bytes
    }

    package init(_ text: String) throws(Invalid) { try self.init(Array(text.utf8)) }

    package init(stringLiteral value: String) {
        do { try self.init(Array(value.utf8)) } catch { preconditionFailure("\(value): \(error)") }
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
    package var description: String { text }
    /// Ends in `/`: a directory marker's key.
    package var isMarker: Bool { bytes.last == 0x2F }

    /// Where the part behind the last slash begins.
    package var nameStart: Int { (bytes.lastIndex(of: 0x2F) ?? -1) + 1 }

    package func hash(into hasher: inout Hasher) { bytes.hashWords(into: &hasher) }

    package static func < (a: Self, b: Self) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}

/// A bucket, possibly of another tenant (`tenant:bucket`). Source: docs.ceph.com, radosgw/multitenancy.
package struct BucketName: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let tenant: String?
    package let name: String

    package init(tenant: String? = nil, name: String) {
        self.tenant = tenant
        self.name = name
    }

    package init(stringLiteral value: String) { self.init(parsing: value) }

    /// `bucket` or `tenant:bucket`.
    package init(parsing text: String) {
        if let colon = text.firstIndex(of: ":") {
            self.init(
                tenant: String(text[..<colon]), name: String(text[text.index(after: colon)...]))
        } else {
            self.init(name: text)
        }
    }

    package var description: String { tenant.map { "\($0):\(name)" } ?? name }
}

/// Where an object is.
package struct ObjectAddress: Hashable, Sendable, CustomStringConvertible {
    package let bucket: BucketName
    package let key: ObjectKey
    package init(bucket: BucketName, key: ObjectKey) {
        self.bucket = bucket
        self.key = key
    }
    package var description: String { "\(bucket)/\(key)" }

    /// A mount has one bucket, or few that have the same keys.
    package func hash(into hasher: inout Hasher) { key.hash(into: &hasher) }
}

/// An entity tag without its quotes; opaque, although RGW's is the MD5 of a single PUT.
package struct ETag: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let text: String

    /// Takes a tag as it stands in a header or listing, with or without quotes.
    package init(_ text: String) {
        // Bytes, not characters: a combining mark behind a quote would be one with it.
        let bytes = text.utf8
        let isQuoted = bytes.count >= 2 && bytes.first == 0x22 && bytes.last == 0x22
        self.text = isQuoted ? String(Substring(bytes.dropFirst().dropLast())) : text
    }
    package init(stringLiteral value: String) { self.init(value) }
    package var description: String { text }
}

/// Swift's large objects: HEAD and GET name a tag made from the segments', LIST and every condition the tag
/// of the manifest, which RGW 16 to 20 keep as that of nothing. Measured.
extension ETag {
    /// The MD5 of nothing. Source: RFC 1321, A.5.
    package static let ofNothing: ETag = "d41d8cd98f00b204e9800998ecf8427e"

    private static let segmentsMark = ";segments"

    /// The tag that HEAD names of a large object, marked, because no condition may be made of it.
    package init(ofSegments tag: ETag) { self.init(tag.text + Self.segmentsMark) }

    package var isOfSegments: Bool { text.hasSuffix(Self.segmentsMark) }

    /// The tag in a condition.
    package var condition: String { isOfSegments ? Self.ofNothing.text : text }

    /// What LIST or HEAD says of a version agrees with what LIST or HEAD said of it before.
    package func isSame(as other: ETag) -> Bool {
        self == other || isOfSegments && other == .ofNothing
            || other.isOfSegments && self == .ofNothing
    }
}
