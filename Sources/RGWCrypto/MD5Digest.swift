import CCrypto

/// MD5 of bytes that arrive in pieces (RFC 1321); S3's Content-MD5 and the ETag of a single PUT.
///
/// Owns libcrypto's state. Not thread-safe; one owner by type.
package struct MD5Digest: ~Copyable {
    private var digest: EVPDigest

    package init() {
        // SAFETY: the algorithm is never freed.
        unsafe digest = EVPDigest(FetchedAlgorithm.md5.raw)
    }

    package mutating func update(_ bytes: borrowing Span<UInt8>) { digest.update(bytes) }

    /// The 16 bytes of the digest.
    package consuming func finalize() -> [UInt8] { digest.finalize() }
}
