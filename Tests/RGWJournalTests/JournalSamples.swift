import RGWBase
import RGWObject
import RGWSpool

/// Records that use every field, and records that use none.
enum JournalSamples {
    static let fullNode = NodeRecord(
        inode: InodeNumber(.max - 5_000),
        attributes: FileAttributes(
            kind: .characterDevice, permissions: 0o7777, uid: .max, gid: .max, size: .max,
            mtime: WallTime(seconds: -1, nanoseconds: 999_999_999),
            ctime: WallTime(seconds: .max, nanoseconds: 1),
            atime: WallTime(seconds: .min, nanoseconds: 0), rdev: .max),
        data: DataID(1 << 63), generation: Generation(.max),
        metadata: ObjectMetadata(
            contentType: "text/plain; charset=\"utf-8\"", cacheControl: "no-cache",
            contentDisposition: "attachment; filename=\"a\\b/ü\u{1}\"", contentEncoding: "gzip",
            contentLanguage: "de", expires: "Thu, 01 Jan 1970 00:00:00 GMT",
            user: ["zeta": "1", "alpha": "", "mode": "33188", "naïve": "☃\n\t"]),
        base: BaseVersion(
            etag: "d41d8cd98f00b204e9800998ecf8427e-12", size: .max,
            lastModified: WallTime(seconds: 1_700_000_000, nanoseconds: 123_000_000)),
        replacing: true, sealed: Generation(3),
        replaced: ReplacedRecord(
            data: DataID(1 << 62), size: .max, mtime: WallTime(seconds: -2, nanoseconds: 3),
            generation: Generation(.max - 1), sealed: Generation(1)), isBroken: true)

    static let emptyNode = node(2)

    static let fullIntent = IntentRecord(
        address: address("d/\u{1}☃ +%?#&\\ a", bucket: BucketName(tenant: "t", name: "b")),
        want: .metadata, inode: InodeNumber(.max - 5_000), base: "abc",
        after: address("old/name"), born: WallTime(seconds: 17, nanoseconds: 5),
        source: CopySource(
            address: address("from \u{1}", bucket: BucketName(tenant: "u", name: "c")),
            version: BaseVersion(
                etag: "e", size: .max, lastModified: WallTime(seconds: -3, nanoseconds: 1))))

    static let fullFlight = FlightRecord(
        address: address("d/\u{1}☃", bucket: BucketName(tenant: "t", name: "b")), want: .put,
        base: "abc", tags: ["one-2", "two"], sends: 3, isUnconditional: true,
        started: WallTime(seconds: 18, nanoseconds: 6),
        upload: UploadRecord(
            id: "2~x", partSize: .max, generation: Generation(.max), size: 1 << 63,
            metadata: .max), mayDelete: true)

    static let emptyFlight = FlightRecord(
        address: address("a"), want: .delete, base: nil, tags: [], isUnconditional: false,
        started: WallTime(seconds: 0))

    static let emptyIntent = intent("a", inode: nil)

    static func node(_ number: UInt64, data: UInt64? = nil, size: UInt64 = 0) -> NodeRecord {
        let time = WallTime(seconds: 0)
        return NodeRecord(
            inode: InodeNumber(number),
            attributes: FileAttributes(
                kind: .regular, permissions: 0o644, uid: 0, gid: 0, size: size, mtime: time,
                ctime: time, atime: time),
            data: data.map { DataID($0) }, generation: Generation(0), metadata: ObjectMetadata(),
            base: nil, replacing: false)
    }

    static func intent(_ key: ObjectKey, inode: UInt64?) -> IntentRecord {
        IntentRecord(
            address: address(key), want: .put, inode: inode.map { InodeNumber($0) }, base: nil,
            after: nil, born: WallTime(seconds: 0))
    }

    static func address(_ key: ObjectKey, bucket: BucketName = "photos") -> ObjectAddress {
        ObjectAddress(bucket: bucket, key: key)
    }

    /// What the write of a small file commits: its node and its intent.
    static func pair(_ number: UInt64) -> [JournalChange] {
        var node = node(number, data: number, size: number)
        node.metadata.contentType = "application/octet-stream"
        node.metadata.user = ["mode": "33188", "uid": "0", "gid": "0", "mtime": "1700000000"]
        return [.node(node), .intent(intent(key(number), inode: number))]
    }

    static func key(_ number: UInt64) -> ObjectKey {
        do { return try ObjectKey("directory/file-\(number)") } catch { return "unreachable" }
    }
}
