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
