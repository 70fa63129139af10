import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// O_EXCL across clients.
@Suite struct ExclusiveTests {
    private func pair() throws -> (Volume, Volume) {
        let first = try Volume { $0.guarantee = .synchronous }
        let faults = SpoolFaults()
        let second = try Volume(
            world: first.world, store: first.store, journal: MemoryJournal(faults: faults),
            files: MemoryFiles(faults: faults), failPoints: nil
        ) { $0.guarantee = .synchronous }
        return (first, second)
    }

    private func create(_ volume: Volume, _ name: EntryName) -> Volume.Box<CreateAnswer> {
        volume.begin { [fileSystem = volume.fileSystem] reply in
            fileSystem.create(
                .root, name, permissions: 0o644,
                OpenFlags(read: true, write: true, exclusive: true), Volume.caller, reply)
        }
    }

    private func error(_ box: Volume.Box<CreateAnswer>) -> FileSystemError? {
        if case .failure(let error) = box.result { error } else { nil }
    }

    private func isWon(_ box: Volume.Box<CreateAnswer>) -> Bool {
        if case .success = box.result { true } else { false }
    }

    @Test func theFileIsInTheBucketWhenOpenReturns() throws {
        let (volume, _) = try pair()
        let box = create(volume, "lock")
        while box.result == nil, volume.world.step() {}
        let answer = try #require(try box.result?.get())
        #expect(volume.text("lock") == "")
        #expect(volume.store.requests.count { $0.method == "PUT" } == 1)
        let file = (answer.entry.inode, answer.open.handle)
        try volume.write(file, "held")
        try volume.close(file)
        #expect(volume.text("lock") == "held")
        #expect(try volume.attributes("lock").uid == Volume.caller.uid)
    }

    @Test func ofTwoClientsOneCreatesIt() throws {
        let (first, second) = try pair()
        _ = try? first.inode("lock")
        _ = try? second.inode("lock")
        let boxes = [create(first, "lock"), create(second, "lock")]
        first.settle()
        #expect(boxes.count(where: isWon) == 1)
        #expect(boxes.compactMap(error) == [.exists])
        first.settle()
        #expect(first.store.keys(Volume.bucket) == ["lock"])
        for volume in [first, second] {
            volume.world.advance(by: .seconds(100))
            #expect(try volume.names(in: "") == ["lock"])
        }
    }

    @Test func whoseAnswerIsLostHasCreatedIt() throws {
        let (volume, _) = try pair()
        volume.store.setFault { $0.method == "PUT" ? .loseAnswer : nil }
        let box = create(volume, "lock")
        volume.settle()
        #expect(isWon(box))
    }

    /// The other client's empty object has the same tag as the one that never arrived.
    @Test func whoseRequestIsLostLosesToTheOther() throws {
        let (first, second) = try pair()
        _ = try? first.inode("lock")
        _ = try? second.inode("lock")
        let isHead = { @Sendable (request: StrictObjectStore.Request) in
            request.method == "HEAD" && request.key.hasSuffix("lock")
        }
        first.store.setFault { request in
            request.method == "PUT" ? .loseRequest : isHead(request) ? .refuse(.busy) : nil
        }
        let lost = create(first, "lock")
        first.settle()
        #expect(error(lost) != nil)
        first.store.setFault(nil)
        let won = create(second, "lock")
        while won.result == nil, first.world.step() {}
        #expect(isWon(won))
        let object = first.store.object(Volume.bucket, "lock")
        first.world.advance(by: .seconds(300))
        #expect(first.store.keys(Volume.bucket) == ["lock"])
        #expect(first.store.object(Volume.bucket, "lock") == object)
        #expect(try first.names(in: "") == ["lock"])
    }

    @Test func whatCannotBeCreatedIsNotThere() throws {
        let (volume, _) = try pair()
        _ = try? volume.inode("lock")
        volume.store.setFault { $0.method == "PUT" ? .refuse(.unreachable) : nil }
        let box = create(volume, "lock")
        volume.settle()
        #expect(error(box) == .inputOutput)
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(300))
        #expect(try volume.names(in: "").isEmpty)
        #expect(volume.store.keys(Volume.bucket).isEmpty)
        let again = create(volume, "lock")
        volume.settle()
        #expect(isWon(again))
    }

    @Test func aNameRemovedHereAMomentAgoCanBeCreated() throws {
        let (volume, _) = try pair()
        try volume.save("lock", "old")
        try volume.unlink("lock")
        let box = create(volume, "lock")
        volume.settle()
        #expect(isWon(box))
        volume.settle()
        #expect(volume.text("lock") == "")
    }

    @Test func withoutSyncCreatingCostsNoRequest() throws {
        let volume = try Volume()
        _ = try? volume.inode("lock")
        volume.store.clearRequests()
        let box = create(volume, "lock")
        #expect(isWon(box))
        #expect(volume.store.requests.isEmpty)
    }
}
