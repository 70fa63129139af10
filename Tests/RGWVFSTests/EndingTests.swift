import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// A condition that never holds ends: no request is repeated without a pause that grows, and whoever waits is
/// told.
@Suite struct EndingTests {
    /// How many requests a key may cost in an hour of failures: an attempt a minute, each with looks at the
    /// object and other means, and the shorter pauses before.
    private static let hourlyMax = 340

    private static let changes: Set = ["PUT", "COPY", "DELETE", "DELETEMANY"]

    /// Requests by the key that they are about; a copy is about its target.
    private func counts(_ volume: Volume) -> [String: Int] {
        var counts: [String: Int] = [:]
        for request in volume.store.requests {
            let key = request.key.split(separator: ">").last.map { $0.trimmingPrefix(" ") } ?? ""
            counts["\(key)", default: 0] += 1
        }
        return counts
    }

    private func expectBounded(_ volume: Volume, _ what: String) {
        for (key, count) in counts(volume) {
            #expect(count <= Self.hourlyMax, "\(what): \(count) requests for \(key)")
        }
        #expect(volume.store.violations.isEmpty)
    }

    /// Lets time pass five seconds at a time; false when the mount does not come to rest within them.
    private func pass(_ seconds: Int, _ volume: Volume) -> Bool {
        for _ in 0..<(seconds / 5) {
            volume.world.tick(.seconds(5))
            var steps = 0
            while volume.world.step() {
                steps += 1
                if steps > 5000 { return false }
            }
        }
        return true
    }

    /// One change of every kind, each of another key, while the server answers with `fault`.
    private func anHour(
        of fault: @escaping @Sendable (StrictObjectStore.Request) -> StrictObjectStore.Fault?,
        conflict: ConflictPolicy = .both
    ) throws -> Volume {
        let volume = try Volume { $0.conflict = conflict }
        for name in ["rewritten", "chmoded", "moved", "gone", "gone1", "gone2", "same"] {
            try volume.save(name, name)
        }
        try volume.mkdir("d")
        try volume.mkdir("tree")
        try volume.save("tree/leaf", "leaf")
        volume.world.advance(by: .seconds(4))
        for name in ["rewritten", "chmoded", "moved", "gone", "gone1", "gone2", "same", "d"] {
            _ = try volume.attributes(name)
        }
        _ = try volume.names(in: "tree")
        _ = try volume.attributes("tree/leaf")
        _ = try volume.names(in: "d")
        volume.store.clearRequests()
        try volume.save("new", "new")
        try volume.save("rewritten", "again")
        try volume.save("same", "same")
        try volume.change("chmoded") { $0.permissions = 0o600 }
        try volume.rename("moved", "away")
        for name in ["gone", "gone1", "gone2"] { try volume.unlink(name) }
        try volume.mkdir("made")
        try volume.rmdir("d")
        try volume.rename("tree", "wood")
        volume.store.setFault(fault)
        let file = try volume.create("awaited")
        try volume.write(file, "x")
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        try #require(pass(300, volume), "requests without a pause")
        #expect(sync.result != nil, "fsync was never answered")
        let again = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        try #require(pass(3300, volume), "requests without a pause")
        #expect(again.result != nil, "the second fsync was never answered")
        return volume
    }

    @Test(arguments: ObjectStoreError.Kind.allCases)
    func aServerThatRefusesEverythingIsAskedOnceAMinute(kind: ObjectStoreError.Kind) throws {
        let volume = try anHour(of: { _ in .refuse(kind) })
        expectBounded(volume, "\(kind)")
    }

    @Test(arguments: ObjectStoreError.Kind.allCases)
    func aServerThatRefusesChangesWhateverItShowsIsAskedOnceAMinute(
        kind: ObjectStoreError.Kind
    ) throws {
        let volume = try anHour(of: {
            Self.changes.contains($0.method) ? .refuse(kind) : nil
        })
        expectBounded(volume, "\(kind)")
        let overview = volume.fileSystem.overview()
        #expect(overview.blocked + overview.retrying > 0, "\(kind): nothing says so")
    }

    @Test(arguments: [ConflictPolicy.both, .local, .hold])
    func aConditionThatHoldsAndIsRefusedIsAFinalState(conflict: ConflictPolicy) throws {
        let fault: @Sendable (StrictObjectStore.Request) -> StrictObjectStore.Fault? = {
            Self.changes.contains($0.method) ? .refuse(.preconditionFailed) : nil
        }
        let volume = try anHour(of: fault, conflict: conflict)
        expectBounded(volume, "\(conflict)")
        let failures = volume.fileSystem.overview().failures
        let new = try #require(failures.first { $0.path == "new" })
        #expect(new.state == .blocked, "no conflict: nobody else wrote")
        #expect(new.error?.contains("shows the object as it was required") == true, "\(new)")
        #expect(try volume.load("new") == "new")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("new") == "new")
        #expect(volume.text("rewritten") == "again")
        #expect(volume.fileSystem.overview().isClean)
    }

    /// X4: the object has the bytes that are sent, with other metadata, and the outcome of each PUT is unknown.
    @Test func aPutOfUnknownOutcomeOverEqualBytesBacksOff() throws {
        let volume = try Volume()
        try volume.save("a", "text")
        volume.settle()
        volume.store.clearRequests()
        volume.store.setFault { $0.method == "PUT" ? .loseRequest : nil }
        volume.world.advance(by: .seconds(10))
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "text")
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        try #require(pass(3600, volume), "requests without a pause")
        #expect(sync.result != nil, "fsync was never answered")
        expectBounded(volume, "X4")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(120))
        #expect(volume.fileSystem.overview().isClean)
    }

    /// Each request is answered at once, but the file is written and closed all the time.
    @Test func aBusyWriterDoesNotSpeedUpWhatFails() throws {
        let volume = try Volume()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        for round in 0..<6000 {
            try volume.save("a", "\(round)")
            volume.world.advance(by: .milliseconds(100))
        }
        #expect(volume.store.requests.count < 100, "\(volume.store.requests.count)")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(100))
        #expect(volume.text("a") == "5999")
    }

    /// Whatever name the local version is given, somebody has it already.
    @Test func copiesBesideEndWhereEveryNameIsTaken() throws {
        let volume = try Volume()
        try volume.save("a", "first")
        volume.settle()
        try volume.save("a", "mine")
        for _ in 0..<500 {
            for change in volume.fileSystem.queue(limit: 10) {
                volume.store.plant(
                    Volume.bucket, try ObjectKey(change.key), Array("theirs".utf8))
            }
            volume.world.advance(by: .milliseconds(100))
        }
        #expect(volume.store.keys(Volume.bucket).count <= 5)
        #expect(volume.fileSystem.queue(limit: 10).map(\.state) == [.conflict])
    }

    /// RGW answers 500 to one of two writers that meet. The client cannot repeat such a request by itself, as it
    /// does others `retrans` times; the object is looked at, and then it is sent again before anybody is told.
    @Test(arguments: [StrictObjectStore.Fault.loseRequest, .loseAnswer])
    func oneFailedAttemptIsNotTold(fault: StrictObjectStore.Fault) throws {
        let volume = try Volume { $0.guarantee = .synchronous }
        for name in ["a", "b"] { try volume.save(name, "old") }
        let file = try volume.open("a", write: true)
        try volume.write(file, "new")
        volume.store.setFirstFault("PUT", fault)
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        try #require(pass(10, volume))
        try #require(sync.result).get()
        #expect(volume.text("a") == "new")
        volume.store.setFirstFault("DELETEMANY", fault)
        let name: EntryName = "b"
        let unlink = volume.begin { volume.fileSystem.unlink(.root, name, $0) }
        try #require(pass(10, volume))
        try #require(unlink.result).get()
        #expect(volume.text("b") == nil)
    }

    /// As often as `retrans` says; nil: hard.
    @Test(arguments: [0, 1, 3, nil])
    func thoseWhoWaitAreToldWhenAllAttemptsHaveFailed(retrans: Int?) throws {
        let volume = try Volume { $0.retriesMax = retrans }
        volume.store.setFault { $0.method == "PUT" ? .loseRequest : nil }
        let file = try volume.create("a")
        try volume.write(file, "x")
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        for _ in 0..<3000 where sync.result == nil {
            volume.world.tick(.milliseconds(100))
            while volume.world.step() {}
        }
        guard let retrans else { return #expect(sync.result == nil) }
        #expect(throws: FileSystemError.inputOutput) { try #require(sync.result).get() }
        #expect(volume.store.requests.count { $0.method == "PUT" } == retrans + 1)
    }

    /// Two other versions in a row, with a failure between them, while a program waits.
    @Test func versionsThatComeFasterThanAttemptsAreNotTold() throws {
        let volume = try Volume {
            $0.guarantee = .synchronous
            $0.conflict = .local
        }
        try volume.save("a", "old")
        let file = try volume.open("a", write: true)
        try volume.write(file, "new")
        let count = Mutex(0)
        volume.store.setFault { request in
            guard request.method == "PUT" else { return nil }
            return count.withLock { count in
                count += 1
                return count == 2 ? .loseRequest : count == 1 ? .refuse(.preconditionFailed) : nil
            }
        }
        volume.store.plant(Volume.bucket, "a", Array("theirs".utf8))
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        try #require(pass(10, volume))
        try #require(sync.result).get()
        #expect(volume.text("a") == "new")
    }
}
