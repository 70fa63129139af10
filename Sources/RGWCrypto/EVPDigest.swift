import CCrypto

/// One libcrypto digest under way.
///
/// Owns an `EVP_MD_CTX`, freed when the value dies. Calls can only fail for want of memory or where
/// a FIPS provider withholds the algorithm; both stop the process, because no caller can go on.
// SAFETY: the context never leaves this value; every use below says why it is valid.
@safe struct EVPDigest: ~Copyable {
    private let context: OpaquePointer

    /// `algorithm` is libcrypto's static description, for example `EVP_md5()`. Source:
    /// EVP_DigestInit(3).
    init(_ algorithm: OpaquePointer?) {
        // SAFETY: EVP_MD_CTX_new returns nil or a context that only this value holds.
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("libcrypto: out of memory")
        }
        unsafe self.context = context
        // SAFETY: the context is live; `algorithm` is static data of libcrypto.
        let done = unsafe EVP_DigestInit_ex(context, algorithm, nil)
        precondition(done == 1, "libcrypto: the digest is not available (FIPS mode?)")
    }

    deinit {
        // SAFETY: the only owner frees it, once.
        unsafe EVP_MD_CTX_free(context)
    }

    mutating func update(_ bytes: borrowing Span<UInt8>) {
        // SAFETY: libcrypto reads exactly `count` bytes during the call.
        let done = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
        }
        precondition(done == 1, "libcrypto: EVP_DigestUpdate failed")
    }

    consuming func finalize() -> [UInt8] {
        let context = unsafe self.context
        // SAFETY: EVP_MAX_MD_SIZE bytes are what EVP_DigestFinal_ex may write at most.
        return unsafe [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var written: UInt32 = 0
            let done = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, &written)
            precondition(done == 1, "libcrypto: EVP_DigestFinal_ex failed")
            count = Int(written)
        }
    }
}
