import RGWObject

/// How much metadata a request can carry. RGW refuses a request whose headers, address included, exceed
/// 16 KiB, with 400 and an empty body. Source: measured on RGW 16.2; boost::beast's header limit.
enum HeaderRoom {
    private static let blockBytes = 16 << 10
    /// Date, host, digests, signature, a session token, and what proxies add.
    private static let otherBytes = 2048

    /// More than this fits into no request whatever else is in it.
    static let bytesMax = blockBytes - otherBytes

    /// Whether a COPY, which has the key twice, fits with this metadata.
    static func fits(_ metadata: ObjectMetadata, key: [UInt8]) -> Bool {
        var bytes = otherBytes + 2 * PercentText.encodedLength(key)
        bytes += metadata.tags.map { 18 + $0.utf8.count } ?? 0
        // `x-amz-meta-NAME: VALUE` and the line's end.
        for (name, value) in metadata.user { bytes += 15 + name.utf8.count + value.utf8.count }
        let standard = [
            metadata.contentType, metadata.cacheControl, metadata.contentDisposition,
            metadata.contentEncoding, metadata.contentLanguage, metadata.expires,
            metadata.websiteRedirect, metadata.storage.storageClass, metadata.storage.encryption,
            metadata.storage.encryptionKey,
        ]
        // The longest name is that of the encryption's key.
        for value in standard { bytes += value.map { 48 + $0.utf8.count } ?? 0 }
        return bytes <= blockBytes
    }
}
