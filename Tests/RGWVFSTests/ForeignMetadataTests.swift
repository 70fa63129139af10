import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// What other tools keep with an object survives every change through the mount.
@Suite struct ForeignMetadataTests {
    private var foreign: ObjectMetadata {
        var metadata = ObjectMetadata(
            contentType: "text/css", cacheControl: "no-cache", contentDisposition: "inline",
            contentEncoding: "br", contentLanguage: "de", expires: "never",
            user: ["sha": "abc"])
        metadata.websiteRedirect = "/elsewhere"
        metadata.storage = StorageTraits(
            storageClass: "COLD", encryption: "aws:kms", encryptionKey: "key")
        metadata.tags = "team=a%20b&kind=x"
        return metadata
    }

    static let changes: [(String, @Sendable (Volume) throws -> String)] = [
        (
            "chmod",
            {
                try $0.change("a") { $0.permissions = 0o600 }
                return "a"
            }
        ),
        (
            "chown",
            {
                try $0.change("a") { $0.uid = 5 }
                return "a"
            }
        ),
        (
            "touch",
            {
                try $0.change("a") { $0.mtime = .now }
                return "a"
            }
        ),
        (
            "truncate",
            {
                try $0.change("a") { $0.size = 2 }
                return "a"
            }
        ),
        (
            "rewrite",
            {
                try $0.save("a", "new")
                return "a"
            }
        ),
        (
            "rename",
            {
                try $0.rename("a", "b")
                return "b"
            }
        ),
        (
            "rename, chmod",
            {
                try $0.rename("a", "b")
                try $0.change("b") { $0.permissions = 0o600 }
                return "b"
            }
        ),
        (
            "append",
            { volume in
                let file = try volume.open("a", write: true)
                try volume.write(file, "more", at: 4)
                try volume.close(file)
                return "a"
            }
        ),
    ]

    @Test(arguments: changes.indices) func everyHeaderAndTagIsKept(index: Int) throws {
        let (name, change) = Self.changes[index]
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("text".utf8), metadata: foreign)
        let path = try change(volume)
        volume.settle()
        let key = try ObjectKey(path)
        let stored = try #require(volume.store.object(Volume.bucket, key)).head.metadata
        #expect(stored.contentType == "text/css", "\(name)")
        #expect(stored.cacheControl == "no-cache", "\(name)")
        #expect(stored.contentDisposition == "inline", "\(name)")
        #expect(stored.contentEncoding == "br", "\(name)")
        #expect(stored.websiteRedirect == "/elsewhere", "\(name)")
        #expect(stored.storage == foreign.storage, "\(name)")
        #expect(stored.contentLanguage == "de", "\(name)")
        #expect(stored.expires == "never", "\(name)")
        #expect(stored.user["sha"] == "abc", "\(name)")
        #expect(stored.tags == "team=a%20b&kind=x", "\(name)")
    }

    @Test func tagsAreAskedForOnlyWhereThereAreSome() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", [1])
        try volume.change("a") { $0.permissions = 0o600 }
        try volume.save("a", "new")
        volume.settle()
        #expect(!volume.store.requests.contains { $0.method == "GETTAGS" })
    }

    @Test func tagsSurviveAKillBetweenTheChangeAndItsCopy() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("text".utf8), metadata: foreign)
        try volume.change("a") { $0.permissions = 0o600 }
        let again = try Volume(remounting: volume)
        again.settle()
        #expect(
            again.store.object(Volume.bucket, "a")?.head.metadata.tags == "team=a%20b&kind=x")
    }

    @Test func aCopyWhoseTagsNobodySawIsMadeAgain() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("text".utf8), metadata: foreign)
        _ = try volume.attributes("a")
        // Done, but the answer is lost, and so the tags were never set.
        volume.store.setFault { request in
            switch request.method {
            case "COPY": .loseAnswer
            case "HEAD": .refuse(.busy)
            default: nil
            }
        }
        try volume.change("a") { $0.permissions = 0o600 }
        volume.settle()
        volume.store.setFault(nil)
        var stored = try #require(volume.store.object(Volume.bucket, "a"))
        stored.head.metadata.tags = nil
        volume.store.plant(
            Volume.bucket, "a", stored.bytes, metadata: stored.head.metadata)
        volume.world.advance(by: .seconds(200))
        #expect(
            volume.store.object(Volume.bucket, "a")?.head.metadata.tags == "team=a%20b&kind=x")
    }
}
