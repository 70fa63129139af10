import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Synchronization
import Testing

/// A store whose answers contradict each other, or that answers one request with one error for ever: whoever
/// reads hears of it after a few requests, and nothing of it gets into the bucket.
@Suite struct HostileAnswerTests {
    private static let large = (0..<400).map { "\($0 % 10)" }.joined()
    /// More than any operation here needs.
    private static let requestsMax = 30

    private func volume() throws -> Volume {
        let volume = try Volume {
            $0.wholeBytesMax = 300
            $0.fileAttributesMin = .zero
            $0.fileAttributesMax = .zero
            $0.directoryAttributesMin = .zero
            $0.directoryAttributesMax = .zero
        }
        volume.store.plant(Volume.bucket, "file", Array("0123456789".utf8))
        volume.store.plant(Volume.bucket, "large", Array(Self.large.utf8))
        volume.store.plant(Volume.bucket, "d/inside", [1])
        var link = ObjectMetadata()
        link.user["mode"] = "41471"
        volume.store.plant(Volume.bucket, "link", Array("target".utf8), metadata: link)
        return volume
    }

    /// Counts the requests of one method, which all get the fault; too many end it, so that no loop is
    /// without an end.
    private final class Trap: Sendable {
        private let count = Mutex(0)
        var requests: Int { count.withLock(\.self) }

        func fault(_ fault: StrictObjectStore.Fault) -> StrictObjectStore.Fault? {
            count.withLock { count in
                count += 1
                return count > 1000 ? nil : fault
            }
        }
    }

    /// The operations of a program that reads; each starts when those before it have been answered.
    private static let readings: [@Sendable (Volume) throws -> Void] = [
        { _ = try $0.attributes("file") }, { _ = try $0.attributes("absent") },
        { _ = try $0.attributes("d/inside") }, { _ = try $0.names(in: "d") },
        { _ = try $0.names(in: "") }, { _ = try $0.load("file") }, { _ = try $0.load("large") },
        { volume in
            let link = try volume.inode("link")
            _ = try volume.call { volume.fileSystem.readlink(link, $0) }
        },
        { volume in _ = try volume.call { volume.fileSystem.statfs($0) } },
        { volume in
            let file = try volume.open("file", write: true)
            defer { volume.release(file) }
            try volume.write(file, "!", at: 10)
        },
        { volume in
            let file = try volume.open("large", write: true)
            defer { volume.release(file) }
            try volume.write(file, "!", at: 10)
            _ = try volume.read(file, at: 100, count: 10)
        },
        { try $0.rename("d", "e") }, { try $0.rmdir("d") },
    ]

    private static let methods = ["HEAD", "GET", "LIST", "GETTAGS", "HEADBUCKET"]

    @Test(arguments: ObjectStoreError.Kind.allCases)
    func whoReadsIsToldAfterAFewRequests(kind: ObjectStoreError.Kind) throws {
        for method in Self.methods {
            for index in Self.readings.indices {
                let volume = try volume()
                let trap = Trap()
                volume.store.setFault { $0.method == method ? trap.fault(.refuse(kind)) : nil }
                // Fails or not: it answers, which `call` insists on.
                _ = Result { try Self.readings[index](volume) }
                #expect(trap.requests <= Self.requestsMax, "\(method) \(kind), reading \(index)")
            }
        }
    }

    @Test func aNameThatIsListedAndDeniedIsNoName() throws {
        let volume = try volume()
        volume.store.setFault {
            $0.method == "HEAD" && $0.key == "file" ? .refuse(.noSuchKey) : nil
        }
        #expect(throws: FileSystemError.notFound) { try volume.attributes("file") }
        #expect(volume.store.requests.count <= 6)
        #expect(try volume.names(in: "").sorted() == ["d", "large", "link"])
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(31))
        #expect(try volume.load("file") == "0123456789")
    }

    @Test func aNewVersionOfADeniedNameIsSeenAtOnce() throws {
        let volume = try volume()
        volume.store.setFault {
            $0.method == "HEAD" && $0.key == "file" ? .refuse(.noSuchKey) : nil
        }
        #expect(throws: FileSystemError.notFound) { try volume.attributes("file") }
        volume.store.setFault(nil)
        volume.store.plant(Volume.bucket, "file", Array("new".utf8))
        volume.world.advance(by: .seconds(1))
        #expect(try volume.load("file") == "new")
    }

    /// Not even a store that calls half of the bytes a success gets them into the bucket.
    @Test(arguments: ["file", "large"])
    func whatDidNotArriveNeverReplacesAnObject(path: String) throws {
        let volume = try volume()
        let before = try #require(volume.text(path))
        let trap = Trap()
        volume.store.setFault { $0.method == "GET" ? trap.fault(.deliverHalf) : nil }
        #expect(throws: FileSystemError.inputOutput) { try volume.load(path) }
        let file = try volume.open(path, write: true)
        _ = Result { try volume.write(file, "!", at: UInt64(before.utf8.count)) }
        #expect(throws: FileSystemError.inputOutput) { try volume.read(file, at: 0, count: 1000) }
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        volume.world.advance(by: .seconds(300))
        #expect(sync.result != nil)
        #expect(trap.requests < 200)
        #expect(volume.text(path) == before)
        volume.store.setFault(nil)
        _ = Result { try volume.close(file) }
        volume.world.advance(by: .seconds(120))
        #expect(volume.text(path) == before || volume.text(path) == before + "!")
    }

    /// HEAD shows a size that GET does not.
    @Test func anObjectWithoutASizeIsNotCompletedWithSomething() throws {
        let volume = try volume()
        let file = try volume.open("large", write: true)
        try volume.write(file, "!", at: 10)
        volume.store.setFault { $0.method == "GET" ? .refuse(.malformedAnswer) : nil }
        let sync = volume.begin { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        volume.world.advance(by: .seconds(600))
        guard case .failure? = sync.result else {
            Issue.record("fsync says \(String(describing: sync.result))")
            return
        }
        #expect(volume.text("large") == Self.large)
        #expect(volume.store.requests.count < 300)
        volume.store.setFault(nil)
        try volume.close(file)
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("large") == Self.large.prefix(10) + "!" + Self.large.dropFirst(11))
    }
}
