import RGWBase
package import RGWObject

/// Maps paths below the mount to object addresses: key = prefix + path, a directory's marker = path + `/`.
///
/// The root's own attributes live where s3fs keeps them: at the key `/` of a whole bucket, at the
/// prefix itself for a prefix mount.
package struct Layout: Sendable {
    let bucket: BucketName
    let prefix: [UInt8]

    package init(bucket: BucketName, prefix: [UInt8]) {
        self.bucket = bucket
        self.prefix = prefix
    }

    /// Where a file's object is. Errors: nameTooLong over 1,024 bytes of key.
    func file(_ path: [EntryName]) throws(FileSystemError) -> ObjectAddress {
        try address(bytes(path))
    }

    /// Where a directory's marker is.
    func marker(_ path: [EntryName]) throws(FileSystemError) -> ObjectAddress {
        if path.isEmpty { return try address(prefix.isEmpty ? [0x2F] : prefix) }
        return try address(bytes(path) + [0x2F])
    }

    /// What every key below a directory starts with; empty for the root of a whole bucket.
    func prefix(_ path: [EntryName]) -> KeyPrefix {
        KeyPrefix(bucket: bucket, bytes: path.isEmpty ? prefix : bytes(path) + [0x2F])
    }

    /// The path of a key and whether it is a marker; nil when no path means that key.
    func path(of address: ObjectAddress) -> (names: [EntryName], isMarker: Bool)? {
        let bytes = address.key.bytes
        if (try? marker([])) == address { return ([], true) }
        guard address.bucket == bucket, bytes.starts(with: prefix) else { return nil }
        var rest = bytes[prefix.count...]
        let isMarker = rest.last == 0x2F
        if isMarker { rest = rest.dropLast() }
        var names: [EntryName] = []
        for part in rest.split(separator: 0x2F, omittingEmptySubsequences: false) {
            guard let name = try? EntryName(Array(part)) else { return nil }
            names.append(name)
        }
        return (names, isMarker)
    }

    /// The name that `key` shows in the directory listed with `prefixLength` bytes of prefix;
    /// nil when it is no name (`a//b`, `.`, `..`, over 255 bytes).
    func entryName(_ key: ObjectKey, prefixLength: Int) -> EntryName? {
        var rest = key.bytes[prefixLength...]
        if rest.last == 0x2F { rest = rest.dropLast() }
        return try? EntryName(Array(rest))
    }

    private func bytes(_ path: [EntryName]) -> [UInt8] {
        var bytes = prefix
        for (index, name) in path.enumerated() {
            if index > 0 { bytes.append(0x2F) }
            bytes.append(contentsOf: name.bytes)
        }
        return bytes
    }

    private func address(_ bytes: [UInt8]) throws(FileSystemError) -> ObjectAddress {
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
