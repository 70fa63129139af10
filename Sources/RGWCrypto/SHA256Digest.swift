import CCrypto

/// SHA-256 of bytes that arrive in pieces (FIPS 180-4); signature version 4 and signed payloads.
///
/// Owns libcrypto's state. Not thread-safe; one owner by type.
package struct SHA256Digest: ~Copyable {
    private var digest: EVPDigest

    package init() {
        // SAFETY: the algorithm is never freed.
        unsafe digest = EVPDigest(FetchedAlgorithm.sha256.raw)
    }

    package mutating func update(_ bytes: borrowing Span<UInt8>) { digest.update(bytes) }

    /// The 32 bytes of the digest.
    package consuming func finalize() -> [UInt8] { digest.finalize() }
}
