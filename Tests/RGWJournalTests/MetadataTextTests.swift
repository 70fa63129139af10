import RGWObject
import Testing

@testable import RGWJournal

@Suite struct MetadataTextTests {
    @Test(arguments: ["text/plain", "a/b; x=y", "a\"b", "a\\b", "a\nb", "\u{E9}", "a\u{7F}", ""])
    func aContentTypeAloneIsTheSameTextAndComesBack(type: String) throws {
        let alone = ObjectMetadata(contentType: type)
        var others = alone
        others.expires = "later"
        let text = try MetadataText.encode(alone)
        #expect(try MetadataText.decode(text) == alone)
        #expect(
            try MetadataText.encode(others) == text.dropLast() + ",\"expires\":\"later\"}",
            "written by the encoder")
    }

    @Test func howAnObjectIsKeptComesBack() throws {
        var metadata = ObjectMetadata(contentType: "text/plain")
        metadata.websiteRedirect = "/there"
        metadata.storage = StorageTraits(
            storageClass: "COLD", encryption: "aws:kms", encryptionKey: "key")
        #expect(try MetadataText.decode(try MetadataText.encode(metadata)) == metadata)
    }

    @Test func whatAnEarlierProgramWroteIsRead() throws {
        let text = "{\"contentType\":\"text/plain\",\"tags\":\"a=1\"}"
        #expect(try MetadataText.decode(text).storage == StorageTraits())
    }
}
