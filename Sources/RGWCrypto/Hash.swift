import CCrypto

/// One-shot digests and message authentication codes on libcrypto.
package enum Hash {
    /// 16 bytes.
    package static func md5(_ bytes: [UInt8]) -> [UInt8] { md5(bytes.span) }

    /// 16 bytes.
    package static func md5(_ bytes: borrowing Span<UInt8>) -> [UInt8] {
        var digest = MD5Digest()
        digest.update(bytes)
        return digest.finalize()
    }

    /// 32 bytes.
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { sha256(bytes.span) }

    /// 32 bytes.
    package static func sha256(_ bytes: borrowing Span<UInt8>) -> [UInt8] {
        var digest = SHA256Digest()
        digest.update(bytes)
        return digest.finalize()
    }

    /// HMAC-SHA256 (RFC 2104), 32 bytes: signature version 4.
    package static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        hmacSHA256(key: key, message.span)
    }

    /// Two digests by hand: libcrypto's HMAC looks its algorithm up by name at every call, which
    /// costs five times as much as the digests of a short message.
    package static func hmacSHA256(key: [UInt8], _ message: borrowing Span<UInt8>) -> [UInt8] {
        let block = key.count > hmacBlock ? sha256(key) : key
        var pad = [UInt8](repeating: 0x36, count: hmacBlock)
        for index in block.indices { pad[index] ^= block[index] }
        var inner = SHA256Digest()
        inner.update(pad.span)
        inner.update(message)
        for index in pad.indices { pad[index] ^= 0x36 ^ 0x5C }
        var outer = SHA256Digest()
        outer.update(pad.span)
        outer.update(inner.finalize().span)
        return outer.finalize()
    }

    /// SHA-256's block, in bytes (FIPS 180-4).
    private static let hmacBlock = 64

    /// HMAC-SHA1, 20 bytes: signature version 2.
    package static func hmacSHA1(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        // SAFETY: EVP_sha1 returns static data.
        unsafe hmac(EVP_sha1(), key: key, message)
    }

    private static func hmac(
        _ algorithm: OpaquePointer?, key: [UInt8], _ message: [UInt8]
    )
        -> [UInt8]
    {
        // SAFETY: HMAC(3) reads the counted key and message and writes at most EVP_MAX_MD_SIZE
        // bytes. A nil key means "the previous key"; the empty array's base address is never passed
        // as nil.
        let paddedKey = key.isEmpty ? [0] : key
        return unsafe [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var written: UInt32 = 0
            let done = unsafe HMAC(
                algorithm, paddedKey, Int32(key.count), message, message.count, buffer.baseAddress,
                &written)
            unsafe precondition(done != nil, "libcrypto: HMAC failed")
            count = Int(written)
        }
    }
}
