import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// A proxy before the server that takes no large bodies (HTTP 413).
@Suite struct BodyLimitTests {
    private static let mebibyte = 1 << 20

    private func save(_ volume: Volume, _ path: String, _ count: Int) throws {
        let file = try volume.create(path)
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: count)
        _ = try volume.call {
            volume.fileSystem.write(file.0, file.1, offset: 0, bytes: bytes.span, $0)
        }
        try volume.close(file)
    }

    private func requests(_ volume: Volume, _ method: String) -> Int {
        volume.store.requests.count { $0.method == method }
    }

    @Test(arguments: [20, 9, 5])
    func aRefusedBodyGoesInPartsAndTheMountRemembers(limit: Int) throws {
        let volume = try Volume()
        volume.store.setBodyMax(limit * Self.mebibyte)
        try save(volume, "large", 30 * Self.mebibyte)
        try save(volume, "small", 1000)
        volume.settle()
        let large = volume.store.object(Volume.bucket, "large")?.bytes.count
        #expect(large == 30 * Self.mebibyte, "without a pause between the attempts")
        #expect(volume.text("small")?.utf8.count == 1000)
        #expect(volume.fileSystem.overview().isClean)
        #expect(volume.store.openUploads.isEmpty)
        volume.store.clearRequests()
        try save(volume, "next", 30 * Self.mebibyte)
        volume.settle()
        let next = volume.store.object(Volume.bucket, "next")?.bytes.count
        #expect(next == 30 * Self.mebibyte)
        #expect(requests(volume, "PUT") == 0)
        #expect(requests(volume, "CREATEUPLOAD") == 1)
    }

    @Test func belowTheSmallestPartTheLimitIsToldAndSmallFilesDoNotWait() throws {
        let volume = try Volume()
        volume.store.setBodyMax(Self.mebibyte)
        try save(volume, "large", 12 * Self.mebibyte)
        try save(volume, "small", 1000)
        volume.settle()
        #expect(volume.text("small")?.utf8.count == 1000)
        let failure = try #require(volume.fileSystem.overview().failures.first)
        #expect(failure.path == "large")
        #expect(failure.state == .blocked)
        #expect(failure.error?.contains("5242880") == true, "\(failure)")
        volume.world.advance(by: .seconds(3600))
        #expect(volume.store.requests.count < 400)
        volume.store.setBodyMax(.max)
        volume.world.advance(by: .seconds(70))
        #expect(volume.store.object(Volume.bucket, "large") != nil)
    }
}
