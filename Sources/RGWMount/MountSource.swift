import RGWBase
package import RGWObject

/// Why a source is not a bucket or a prefix: one sentence.
package enum SourceError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case isURL(String)
    case bucketName(source: String, reason: String)
    case tenantName(source: String)
    case prefix(source: String, reason: String)

    package var description: String {
        switch self {
        case .empty: "the source is empty: name a bucket, for example photos or photos/2024"
        case .isURL(let source):
            "source '\(source)' is a URL: name a bucket, and give the server with -o url=URL"
        case .bucketName(let source, let reason):
            "source '\(source)': a bucket's name \(reason)"
        case .tenantName(let source):
            "source '\(source)': a tenant's name consists of letters, digits and '_'"
        case .prefix(let source, let reason):
            "source '\(source)': \(reason)"
        }
    }
}

/// What is mounted: a bucket, the part of one below a prefix, or all buckets.
package struct MountSource: Equatable, Sendable, CustomStringConvertible {
    /// nil: all buckets of the user, as directories.
    package let bucket: BucketName?
    /// Empty, or ends in `/`.
    package let prefix: [UInt8]

    /// `/`, `photos`, `photos/2024`, `tenant:photos`, `s3://photos/2024/`.
    ///
    /// Names follow RGW's relaxed rules, because buckets made through Swift or by older releases
    /// break S3's.
    /// Source: ceph/src/rgw/rgw_rest_s3.h, `valid_s3_bucket_name`; rgw_common.cc,
    /// `valid_s3_object_name`.
    package init(parsing text: String) throws(SourceError) {
        var rest = Array(text.utf8)[...]
        let shown = Shown.text(text)
        if rest.starts(with: "s3://".utf8) { rest = rest.dropFirst(5) }
        if rest.starts(with: "http://".utf8) || rest.starts(with: "https://".utf8) {
            throw .isURL(Self.withoutUser(shown))
        }
        guard !text.isEmpty else { throw .empty }
        guard rest.contains(where: { $0 != 0x2F }) else {
            bucket = nil
            prefix = []
            return
        }
        let slash = rest.firstIndex(of: 0x2F)
        let bucket = String(decoding: rest[..<(slash ?? rest.endIndex)], as: UTF8.self)
        var prefix = slash.map { rest[($0 + 1)...] } ?? []
        if prefix.last == 0x2F { prefix = prefix.dropLast() }
        self.bucket = try Self.bucket(bucket, shown)
        self.prefix = prefix.isEmpty ? [] : try Self.prefix(Array(prefix), shown) + [0x2F]
    }

    /// A URL that carries a password must not be repeated.
    private static func withoutUser(_ url: String) -> String {
        url.utf8.contains(0x40) ? "..." : url
    }

    private static func bucket(_ text: String, _ shown: String) throws(SourceError) -> BucketName {
        let bucket = BucketName(parsing: text)
        func isWordByte(_ byte: UInt8) -> Bool { ByteText.isAlphanumeric(byte) || byte == 0x5F }
        if let tenant = bucket.tenant, tenant.isEmpty || !tenant.utf8.allSatisfy(isWordByte) {
            throw .tenantName(source: shown)
        }
        let name = Array(bucket.name.utf8)
        func fail(_ reason: String) -> SourceError { .bucketName(source: shown, reason: reason) }
        guard !name.isEmpty else { throw fail("is missing") }
        if name.contains(0x3A) { throw fail("has no ':' other than the one after the tenant") }
        guard name.count >= 3 else { throw fail("has at least 3 characters") }
        guard name.count <= 255 else { throw fail("has at most 255 characters") }
        guard name.allSatisfy({ isWordByte($0) || $0 == 0x2D || $0 == 0x2E }) else {
            throw fail("consists of letters, digits, '-', '.' and '_'")
        }
        guard ByteText.isAlphanumeric(name[0]) || name[0] == 0x5F else {
            throw fail("begins with a letter or digit")
        }
        return bucket
    }

    private static func prefix(_ bytes: [UInt8], _ shown: String) throws(SourceError) -> [UInt8] {
        func fail(_ reason: String) -> SourceError { .prefix(source: shown, reason: reason) }
        for part in bytes.split(separator: 0x2F, omittingEmptySubsequences: false) {
            do throws(EntryName.Invalid) {
                _ = try EntryName(Array(part))
            } catch {
                switch error {
                case .tooLong: throw fail("a part of the prefix is longer than 255 bytes")
                case .notUTF8: throw fail("the prefix is not UTF-8")
                case .reserved: throw fail("the prefix has an empty, '.' or '..' part")
                }
            }
        }
        // A key below the prefix needs at least one more byte.
        guard bytes.count + 1 < ObjectKey.lengthMax else {
            throw fail("the prefix is longer than \(ObjectKey.lengthMax - 2) bytes")
        }
        return bytes
    }

    /// As the mount table shows it: without `s3://` and the slash at the end.
    package var description: String {
        guard let bucket else { return "/" }
        guard !prefix.isEmpty else { return bucket.description }
        return "\(bucket)/" + String(decoding: prefix.dropLast(), as: UTF8.self)
    }

    /// Whose key is wanted; without a name the default one.
    package var credentialsBucket: BucketName { bucket ?? BucketName(name: "") }

    /// The sections of the configuration file that apply, the most general one first.
    var configurationSections: [String] {
        guard let bucket else { return ["default", description] }
        var sections = ["default", bucket.description]
        var path = bucket.description
        for part in prefix.split(separator: 0x2F) {
            path += "/" + String(decoding: part, as: UTF8.self)
            sections.append(path)
        }
        return sections
    }
}
