import CCrypto

/// A digest algorithm that was looked up once: EVP_md5() and its kin are looked up by name at each
/// use since OpenSSL 3. Source: crypto(7), "Performance".
// SAFETY: the pointer is written once, refers to memory that is never freed, and libcrypto's
// algorithms may be shared by all threads.
@safe struct FetchedAlgorithm: @unchecked Sendable {
    let raw: OpaquePointer?

    // SAFETY: EVP_md5 and EVP_sha256 return static data.
    static let md5 = unsafe FetchedAlgorithm("MD5", else: EVP_md5())
    static let sha256 = unsafe FetchedAlgorithm("SHA2-256", else: EVP_sha256())

    /// `other` where no provider has it under that name; its use then says so.
    private init(_ name: String, else other: OpaquePointer?) {
        // SAFETY: nil stands for the default library context and no properties; the name is a
        // NUL-terminated copy during the call.
        unsafe raw = EVP_MD_fetch(nil, name, nil) ?? other
    }
}
