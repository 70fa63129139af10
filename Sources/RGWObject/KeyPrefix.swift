import RGWBase

/// What every key below a directory starts with, and the bucket it is in.
package struct KeyPrefix: Hashable, Sendable {
    /// nil: the keys of all buckets.
    package let bucket: BucketName?
    /// Ends in `/`; empty for a whole bucket.
    package let bytes: [UInt8]

    package init(bucket: BucketName?, bytes: [UInt8]) {
        self.bucket = bucket
        self.bytes = bytes
    }

    package func hash(into hasher: inout Hasher) { bytes.hashWords(into: &hasher) }

    /// Everything below the directory that `marker` stands for.
    package init(marker: ObjectAddress) {
        self.init(bucket: marker.bucket, bytes: marker.key.bytes)
    }

    /// Everything, wherever it is.
    package static let everything = KeyPrefix(bucket: nil, bytes: [])

    package func contains(_ address: ObjectAddress) -> Bool {
        (bucket == nil || bucket == address.bucket) && address.key.bytes.starts(with: bytes)
    }

    /// `other` is this directory or one below it.
    package func contains(_ other: KeyPrefix) -> Bool {
        (bucket == nil || bucket == other.bucket) && other.bytes.starts(with: bytes)
    }
}

extension KeyPrefix {
    /// The key of the directory's own object; nil for what is no directory.
    package var marker: ObjectAddress? {
        guard let bucket, let key = try? ObjectKey(bytes) else { return nil }
        return ObjectAddress(bucket: bucket, key: key)
    }
}

extension ObjectAddress {
    /// The directories that the key is in, from the top down; a marker's own is the last of them.
    package var directories: [KeyPrefix] {
        let bytes = key.bytes
        return bytes.indices.filter { bytes[$0] == 0x2F }.map { index in
            KeyPrefix(bucket: bucket, bytes: Array(bytes[...index]))
        }
    }
}
