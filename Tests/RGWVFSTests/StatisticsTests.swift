import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// statfs.
@Suite struct StatisticsTests {
    private func used(_ volume: Volume) throws -> UInt64 {
        let answer = try volume.call { volume.fileSystem.statfs($0) }
        return answer.totalBytes - answer.freeBytes
    }

    private func asked(_ volume: Volume) -> Int {
        volume.store.requests.count { $0.method == "HEADBUCKET" }
    }

    @Test func theBucketsUsageIsShownAndAskedForRarely() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", [1, 2, 3])
        volume.fileSystem.learnRoot {}
        volume.world.run()
        #expect(try used(volume) == 3)
        volume.store.plant(Volume.bucket, "b", [1])
        #expect(try used(volume) == 3)
        #expect(asked(volume) == 1)
        volume.world.advance(by: .seconds(6))
        // What is old is shown once more, and asked for anew behind the answer.
        #expect(try used(volume) == 3)
        volume.world.run()
        #expect(try used(volume) == 4)
        #expect(asked(volume) == 2)
    }

    @Test func nobodyWaitsForTheServerAndManyWhoAskMakeOneRequest() throws {
        let volume = try Volume()
        let first = volume.begin { volume.fileSystem.statfs($0) }
        let second = volume.begin { volume.fileSystem.statfs($0) }
        #expect(first.result != nil && second.result != nil)
        volume.world.run()
        #expect(asked(volume) == 1)
    }

    @Test func theRootIsShownWithoutWaitingForTheServer() throws {
        let volume = try Volume()
        let root = volume.begin { volume.fileSystem.getattr(.root, $0) }
        #expect(root.result != nil)
        let label = Array("security.selinux".utf8)
        let attribute = volume.begin { volume.fileSystem.getxattr(.root, label, $0) }
        #expect(attribute.result != nil)
        volume.world.run()
    }

    @Test func whatWasKnownIsShownWhileTheServerIsAway() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", [1, 2, 3])
        volume.store.setFault { $0.method == "HEADBUCKET" ? .refuse(.unreachable) : nil }
        #expect(try used(volume) == 0)
        volume.store.setFault(nil)
        #expect(try used(volume) == 0)
        volume.world.run()
        #expect(try used(volume) == 3)
        volume.store.setFault { $0.method == "HEADBUCKET" ? .refuse(.unreachable) : nil }
        volume.world.advance(by: .seconds(60))
        #expect(try used(volume) == 3)
        volume.world.run()
        #expect(try used(volume) == 3)
    }

    @Test func aForbiddenBucketHasConstants() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "HEADBUCKET" ? .refuse(.accessDenied) : nil }
        #expect(try volume.call { volume.fileSystem.statfs($0) }.freeBytes == 1 << 50)
    }
}
