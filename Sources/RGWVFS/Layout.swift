import RGWBase
package import RGWObject

/// Maps paths below the mount to object addresses: key = prefix + path, a directory's marker = path + `/`.
///
/// Without a bucket, the first name of a path is the bucket, and the root is no object at all. A bucket's own
/// attributes live where s3fs keeps them: at the key `/` of a whole bucket, at the prefix itself for a
/// prefix mount.
package struct Layout: Sendable {
    /// nil: all buckets are shown.
    let bucket: BucketName?
    let prefix: [UInt8]

    package init(bucket: BucketName?, prefix: [UInt8]) {
        self.bucket = bucket
        self.prefix = prefix
    }

    /// The root shows buckets; files there are refused.
    var isAllBuckets: Bool { bucket == nil }

    /// Where a file's object is. Errors: nameTooLong over 1,024 bytes of key; notPermitted beside buckets.
    func file(_ path: [EntryName]) throws(FileSystemError) -> ObjectAddress {
        let (bucket, path) = try split(path)
        if isAllBuckets, path.isEmpty { throw .notPermitted }
        return try address(bucket, bytes(path))
    }

    /// Where a directory's marker is. Errors as for files.
    func marker(_ path: [EntryName]) throws(FileSystemError) -> ObjectAddress {
        let (bucket, path) = try split(path)
        if path.isEmpty { return try address(bucket, prefix.isEmpty ? [0x2F] : prefix) }
        return try address(bucket, bytes(path, isMarker: true))
    }

    /// What every key below a directory starts with; empty for the root of a whole bucket.
    func prefix(_ path: [EntryName]) -> KeyPrefix {
        guard let (bucket, path) = try? split(path) else { return .everything }
        return KeyPrefix(bucket: bucket, bytes: path.isEmpty ? prefix : bytes(path, isMarker: true))
    }

    /// The bucket that a path is in, and the path below it.
    private func split(
        _ path: [EntryName]
    ) throws(FileSystemError) -> (BucketName, ArraySlice<EntryName>) {
        if let bucket { return (bucket, path[...]) }
        guard let first = path.first else { throw .notPermitted }
        return (BucketName(parsing: first.text), path.dropFirst())
    }

    /// The path of a key and whether it is a marker; nil when no path means that key.
    func path(of address: ObjectAddress) -> (names: [EntryName], isMarker: Bool)? {
        let bytes = address.key.bytes
        var names: [EntryName] = []
        if isAllBuckets {
            guard let name = try? EntryName(Array(address.bucket.description.utf8)) else {
                return nil
            }
            names.append(name)
        }
        if (try? marker(names)) == address { return (names, true) }
        guard isAllBuckets || address.bucket == bucket, bytes.starts(with: prefix) else {
            return nil
        }
        var rest = bytes[prefix.count...]
        let isMarker = rest.last == 0x2F
        if isMarker { rest = rest.dropLast() }
        for part in rest.split(separator: 0x2F, omittingEmptySubsequences: false) {
            guard let name = try? EntryName(Array(part)) else { return nil }
            names.append(name)
        }
        return (names, isMarker)
    }

    /// The name that `key` shows in the directory listed with `prefixLength` bytes of prefix;
    /// nil when it is no name (`a//b`, `.`, `..`, over 255 bytes).
    func entryName(_ key: ObjectKey, prefixLength: Int) -> EntryName? {
        var rest = key.bytes.dropFirst(prefixLength)
        if rest.last == 0x2F { rest = rest.dropLast() }
        return try? EntryName(Array(rest))
    }

    private func bytes(_ path: ArraySlice<EntryName>, isMarker: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.reduce(prefix.count) { $0 + $1.bytes.count + 1 })
        bytes.append(contentsOf: prefix)
        for (index, name) in path.enumerated() {
            if index > 0 { bytes.append(0x2F) }
            bytes.append(contentsOf: name.bytes)
        }
        if isMarker { bytes.append(0x2F) }
        return bytes
    }

    private func address(
        _ bucket: BucketName, _ bytes: [UInt8]
    ) throws(FileSystemError) -> ObjectAddress {
        ObjectAddress(bucket: bucket, key: try key(bytes))
    }

    private func key(_ bytes: [UInt8]) throws(FileSystemError) -> ObjectKey {
        do {
            return try ObjectKey(bytes)
        } catch {
            switch error {
            case .tooLong: throw .nameTooLong
            case .notUTF8: throw .nameNotUTF8
            case .empty, .containsNUL: throw .invalidArgument
            }
        }
    }
}
