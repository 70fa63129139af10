import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Extended attributes, as programs set them and as s3fs keeps them.
@Suite struct ExtendedAttributeTests {
    private func get(_ volume: Volume, _ path: String, _ name: String) throws -> String {
        let inode = try volume.inode(path)
        let value = try volume.call { volume.fileSystem.getxattr(inode, Array(name.utf8), $0) }
        return String(decoding: value, as: UTF8.self)
    }

    private func names(_ volume: Volume, _ path: String, uid: UInt32 = 0) throws -> [String] {
        let inode = try volume.inode(path)
        let caller = Caller(uid: uid, gid: uid, umask: 0)
        let names = try volume.call { volume.fileSystem.listxattr(inode, caller, $0) }
        return names.map { String(decoding: $0, as: UTF8.self) }
    }

    private func set(
        _ volume: Volume, _ path: String, _ name: String, _ value: [UInt8], create: Bool = false,
        replace: Bool = false
    ) throws {
        let inode = try volume.inode(path)
        try volume.call {
            volume.fileSystem.setxattr(
                inode, Array(name.utf8), value: value, create: create, replace: replace, $0)
        }
    }

    private func remove(_ volume: Volume, _ path: String, _ name: String) throws {
        let inode = try volume.inode(path)
        try volume.call { volume.fileSystem.removexattr(inode, Array(name.utf8), $0) }
    }

    private func header(_ volume: Volume, _ key: ObjectKey) -> String? {
        volume.store.object(Volume.bucket, key)?.head.metadata.user["xattr"]
    }

    @Test func anAttributeIsWrittenAsS3fsWritesIt() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        try set(volume, "a", "user.key", Array("value".utf8))
        volume.settle()
        #expect(header(volume, "a") == "%7B%22user.key%22%3A%22dmFsdWU%3D%22%7D")
        #expect(volume.store.requests.filter { $0.method == "PUT" }.count == 1)
    }

    @Test func attributesThatS3fsWroteAreRead() throws {
        let volume = try Volume()
        volume.store.plant(
            Volume.bucket, "a", [1],
            metadata: ObjectMetadata(user: [
                "mode": "33188",
                "xattr": "%7B%22user.empty%22%3A%22%22%2C%22user.key%22%3A%22dmFsdWU%3D%22%7D",
            ]))
        #expect(try names(volume, "a") == ["user.empty", "user.key"])
        #expect(try get(volume, "a", "user.key") == "value")
        #expect(try get(volume, "a", "user.empty").isEmpty)
        #expect(throws: FileSystemError.noAttribute) { try get(volume, "a", "user.other") }
    }

    @Test func onAnObjectAnAttributeIsOneCopyThatKeepsTheRest() throws {
        let volume = try Volume()
        let metadata = ObjectMetadata(
            contentType: "text/css", cacheControl: "no-cache", contentEncoding: "gzip",
            user: ["mode": "33188", "owner-tool": "rclone"])
        volume.store.plant(Volume.bucket, "a", [1], metadata: metadata)
        try set(volume, "a", "user.one", [1])
        try set(volume, "a", "user.two", [0, 255])
        volume.settle()
        let changes = volume.store.requests.filter { $0.method != "HEAD" && $0.method != "LIST" }
        #expect(changes.map(\.method) == ["COPY"])
        let stored = try #require(volume.store.object(Volume.bucket, "a")).head.metadata
        #expect(stored.contentType == "text/css")
        #expect(stored.cacheControl == "no-cache")
        #expect(stored.contentEncoding == "gzip")
        #expect(stored.user["owner-tool"] == "rclone")
        #expect(try names(volume, "a") == ["user.one", "user.two"])
    }

    @Test func flagsSayWhetherTheNameMustBeNewOrOld() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        #expect(throws: FileSystemError.noAttribute) {
            try set(volume, "a", "user.k", [1], replace: true)
        }
        try set(volume, "a", "user.k", [1], create: true)
        #expect(throws: FileSystemError.exists) {
            try set(volume, "a", "user.k", [2], create: true)
        }
        try set(volume, "a", "user.k", [2], replace: true)
        try remove(volume, "a", "user.k")
        #expect(throws: FileSystemError.noAttribute) { try remove(volume, "a", "user.k") }
        volume.settle()
        #expect(header(volume, "a") == nil)
    }

    @Test func everyByteOfNamesAndValuesSurvivesARemount() throws {
        let volume = try Volume()
        let odd = "user.a\"b,c:d\\e{f}\u{1}\u{e9}%"
        try volume.save("a", "x")
        try set(volume, "a", odd, Array(0...255))
        try set(volume, "a", "user.plain", [7])
        let again = try Volume(remounting: volume)
        #expect(try names(again, "a") == [odd, "user.plain"])
        again.settle()
        // Nothing that s3fs would split at is left in the name.
        let text = try #require(header(again, "a"))
        #expect(text.components("%22").count == 9, "\(text)")
        let inode = try again.inode("a")
        #expect(
            try again.call { again.fileSystem.getxattr(inode, Array(odd.utf8), $0) }
                == Array(0...255))
    }

    @Test func aHeaderThatCannotBeReadIsNotWrittenOver() throws {
        let volume = try Volume()
        volume.store.plant(
            Volume.bucket, "a", [1], metadata: ObjectMetadata(user: ["xattr": "{not json"]))
        #expect(try names(volume, "a") == [])
        #expect(throws: FileSystemError.inputOutput) { try set(volume, "a", "user.k", [1]) }
        volume.settle()
        #expect(header(volume, "a") == "{not json")
    }

    @Test func whatNoRequestCanCarryIsRefused() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        #expect(throws: FileSystemError.attributeTooLarge) {
            try set(volume, "a", "user.k", [UInt8](repeating: 1, count: 20_000))
        }
        try set(volume, "a", "user.first", [UInt8](repeating: 1, count: 5000))
        #expect(throws: FileSystemError.spoolFull) {
            try set(volume, "a", "user.second", [UInt8](repeating: 1, count: 7000))
        }
        #expect(try names(volume, "a") == ["user.first"])
    }

    @Test func accessControlListsAreRefused() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        for name in ["system.posix_acl_access", "system.posix_acl_default"] {
            #expect(throws: FileSystemError.notSupported) { try set(volume, "a", name, [2]) }
            #expect(throws: FileSystemError.notSupported) { try get(volume, "a", name) }
            #expect(throws: FileSystemError.notSupported) { try remove(volume, "a", name) }
        }
    }

    @Test func trustedNamesAreShownToRootOnly() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        try set(volume, "a", "trusted.t", [1])
        try set(volume, "a", "user.u", [1])
        #expect(try names(volume, "a") == ["trusted.t", "user.u"])
        #expect(try names(volume, "a", uid: 1000) == ["user.u"])
    }

    @Test func askingForACapabilityCostsNoRequestOnceTheFileIsKnown() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", [1])
        let inode = try volume.inode("a")
        volume.world.advance(by: .seconds(1000))
        volume.store.clearRequests()
        #expect(throws: FileSystemError.noAttribute) {
            try volume.call {
                volume.fileSystem.getxattr(inode, Array("security.capability".utf8), $0)
            }
        }
        #expect(volume.store.requests.isEmpty)
    }

    @Test func directoriesAndTheRootHaveAttributes() throws {
        let volume = try Volume()
        try volume.mkdir("d")
        try set(volume, "d", "user.k", [1])
        try set(volume, "", "user.r", [2])
        volume.settle()
        let again = try Volume(remounting: volume)
        #expect(try names(again, "d") == ["user.k"])
        #expect(try names(again, "") == ["user.r"])
    }

    @Test func theMountsOwnNamesCannotBeSet() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        #expect(throws: FileSystemError.notPermitted) {
            try set(volume, "a", "user.rgwfs.unknown", [1])
        }
    }

    @Test func aReadOnlyMountRefusesThem() throws {
        let volume = try Volume { $0.readOnly = true }
        volume.store.plant(Volume.bucket, "a", [1])
        #expect(throws: FileSystemError.readOnly) { try set(volume, "a", "user.k", [1]) }
    }
}

extension String {
    /// The parts between occurrences of `separator`.
    fileprivate func components(_ separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}
