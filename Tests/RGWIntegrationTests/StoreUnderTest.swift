import Foundation
import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWTestKit
import Synchronization
import Testing

/// The stores that must behave alike.
enum Subject: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory
    case rgwVersion4
    case rgwVersion2

    var testDescription: String { rawValue }
}

/// One store with a bucket of its own, which is gone afterwards.
final class StoreUnderTest: Sendable {
    let store: any ObjectStore
    let bucket: BucketName
    /// Lets a store without threads of its own answer.
    private let settle: @Sendable () -> Void

    private init(
        store: any ObjectStore, bucket: BucketName, settle: @escaping @Sendable () -> Void
    ) {
        self.store = store
        self.bucket = bucket
        self.settle = settle
    }

    /// Runs the body on a fresh bucket. Without RGWFS_TEST_ENDPOINT, RGWFS_TEST_ACCESS_KEY and
    /// RGWFS_TEST_SECRET_KEY the test fails: a suite that skips proves nothing.
    static func with(_ subject: Subject, _ body: (StoreUnderTest) throws -> Void) throws {
        let bucket = BucketName(name: "rgwfs-test-\(UUID().uuidString.lowercased())")
        switch subject {
        case .memory:
            let world = VirtualWorld()
            let store = StrictObjectStore(buckets: [], queue: world, clock: world)
            try StoreUnderTest(store: store, bucket: bucket) { world.run() }.run(body)
        case .rgwVersion4: try onRGW(.v4, bucket, body)
        case .rgwVersion2: try onRGW(.v2, bucket, body)
        }
    }

    private static func onRGW(
        _ version: S3Configuration.SignatureVersion, _ bucket: BucketName,
        _ body: (StoreUnderTest) throws -> Void
    ) throws {
        let gateway = try TestGateway.first()
        try gateway.store(credentials: gateway.keys) { configuration in
            configuration.signatureVersion = version
            configuration.partSize = 5 << 20
        } body: { store in
            try StoreUnderTest(store: store, bucket: bucket) {}.run(body)
        }
    }

    /// Runs the body on a fresh bucket of any store.
    static func with(
        _ store: S3ObjectStore, named name: String? = nil, _ body: (StoreUnderTest) throws -> Void
    ) throws {
        let name = name ?? "rgwfs-test-\(UUID().uuidString.lowercased())"
        try StoreUnderTest(store: store, bucket: BucketName(name: name)) {}.run(body)
    }

    /// The same store's view of a bucket that others made; it stays.
    static func at(_ store: S3ObjectStore, _ bucket: BucketName) -> StoreUnderTest {
        StoreUnderTest(store: store, bucket: bucket) {}
    }

    private func run(_ body: (StoreUnderTest) throws -> Void) throws {
        try call { store.createBucket(bucket, completion: $0) }
        defer { try? removeBucket() }
        try body(self)
    }

    private func removeBucket() throws {
        for key in try keys() { try call { store.delete(address(key), completion: $0) } }
        try call { store.deleteBucket(bucket, completion: $0) }
    }

    // MARK: What tests do

    func address(_ key: ObjectKey) -> ObjectAddress { ObjectAddress(bucket: bucket, key: key) }

    /// Waits a minute for the answer at most.
    func call<Answer: Sendable>(
        _ start: (@escaping Completion<Answer>) -> any Cancellable
    ) throws -> Answer {
        let box = Box<Answer>()
        let done = DispatchSemaphore(value: 0)
        _ = start { answer in
            box.result.withLock { $0 = answer }
            done.signal()
        }
        settle()
        let arrived = done.wait(timeout: .now() + 60) == .success
        try #require(arrived, "no answer")
        let result = box.result.withLock { $0 }
        return try #require(result).get()
    }

    /// The error of a call that must fail.
    func failure<Answer: Sendable>(
        _ start: (@escaping Completion<Answer>) -> any Cancellable
    ) throws -> ObjectStoreError.Kind? {
        do {
            _ = try call(start)
            return nil
        } catch let error as ObjectStoreError {
            return error.kind
        }
    }

    @discardableResult
    func put(
        _ key: ObjectKey, _ bytes: [UInt8], _ metadata: ObjectMetadata = ObjectMetadata(),
        _ precondition: Precondition = .none
    ) throws -> Stored {
        try call { completion in
            store.put(
                address(key), body: .bytes(bytes), md5: Hash.md5(bytes), metadata: metadata,
                precondition: precondition, completion: completion)
        }
    }

    func head(_ key: ObjectKey) throws -> ObjectHead {
        try call { store.head(address(key), completion: $0) }
    }

    func get(
        _ key: ObjectKey, _ range: Range<UInt64>? = nil, blockSize: Int = 1 << 20
    ) throws
        -> [[UInt8]]
    {
        let blocks = Blocks()
        _ = try call { completion in
            store.get(
                address(key), range: range, matching: nil, lane: .bulk, blockSize: blockSize,
                onBlock: { blocks.append($0) }, completion: completion)
        }
        return blocks.all
    }

    func page(
        _ prefix: ObjectKey?, delimited: Bool, after: ObjectKey?, limit: Int
    ) throws -> ListPage {
        try call { completion in
            store.list(
                bucket, prefix: prefix, delimited: delimited, after: after, limit: limit,
                completion: completion)
        }
    }

    /// Every key, page by page.
    func keys() throws -> [ObjectKey] {
        var keys: [ObjectKey] = []
        var after: ObjectKey?
        repeat {
            let page = try page(nil, delimited: false, after: after, limit: 1000)
            keys += page.objects.map(\.key)
            after = page.next
        } while after != nil
        return keys
    }
}

/// The answer to one call.
private final class Box<Answer: Sendable>: Sendable {
    let result = Mutex<Result<Answer, ObjectStoreError>?>(nil)
}

/// Collects delivered blocks.
final class Blocks: Sendable {
    private let blocks = Mutex<[[UInt8]]>([])
    func append(_ block: [UInt8]) { blocks.withLock { $0.append(block) } }
    var all: [[UInt8]] { blocks.withLock { $0 } }
}
