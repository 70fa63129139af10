import FoundationEssentials
import RGWObject

/// An object's headers as JSON text, with sorted keys so that equal headers give equal text.
enum MetadataText {
    static func encode(_ metadata: ObjectMetadata) throws -> String {
        if metadata == ObjectMetadata() { return "{}" }
        // What every new file has, without the cost of an encoder for each.
        if let type = metadata.contentType, metadata == ObjectMetadata(contentType: type),
            type.utf8.allSatisfy({ isPlain($0) })
        {
            return "{\"contentType\":\"\(type)\"}"
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Stored(metadata)), as: UTF8.self)
    }

    /// Printable ASCII that JSON does not escape.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    static func decode(_ text: String) throws -> ObjectMetadata {
        if text == "{}" { return ObjectMetadata() }
        do {
            return try JSONDecoder().decode(Stored.self, from: Data(text.utf8)).metadata
        } catch {
            throw JournalDamage("an object's metadata is not the JSON it should be")
        }
    }

    /// The names are part of the file's format.
    private struct Stored: Codable {
        var contentType: String?
        var cacheControl: String?
        var contentDisposition: String?
        var contentEncoding: String?
        var contentLanguage: String?
        var expires: String?
        var user: [String: String]?
        var tags: String?
        // Rows of programs that did not know them have none.
        var redirect: String?
        var storageClass: String?
        var encryption: String?
        var encryptionKey: String?

        init(_ metadata: ObjectMetadata) {
            contentType = metadata.contentType
            cacheControl = metadata.cacheControl
            contentDisposition = metadata.contentDisposition
            contentEncoding = metadata.contentEncoding
            contentLanguage = metadata.contentLanguage
            expires = metadata.expires
            user = metadata.user.isEmpty ? nil : metadata.user
            tags = metadata.tags
            redirect = metadata.websiteRedirect
            storageClass = metadata.storage.storageClass
            encryption = metadata.storage.encryption
            encryptionKey = metadata.storage.encryptionKey
        }

        var metadata: ObjectMetadata {
            var metadata = ObjectMetadata(
                contentType: contentType, cacheControl: cacheControl,
                contentDisposition: contentDisposition, contentEncoding: contentEncoding,
                contentLanguage: contentLanguage, expires: expires, user: user ?? [:])
            metadata.tags = tags
            metadata.tagCount = tags?.split(separator: "&").count ?? 0
            metadata.websiteRedirect = redirect
            metadata.storage = StorageTraits(
                storageClass: storageClass, encryption: encryption, encryptionKey: encryptionKey)
            return metadata
        }
    }
}
