import FoundationEssentials
import GRDB
import RGWAttributes
import RGWBase
import RGWObject
import RGWSpool
import Synchronization
import Testing

/// What is known of objects survives its process, and nothing that happens to the file does any harm.
@Suite final class SQLiteAttributesTests {
    private let directory = FileManager.default.temporaryDirectory.appending(
        path: "attributes-\(UUID().uuidString)")
    private let told = Told()
    private var path: String { directory.appending(path: "attributes.db").path }

    init() throws {
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true)
    }

    deinit {
        // The next run has another name.
        do { try FileManager.default.removeItem(at: directory) } catch {}
    }

    private func open(_ limits: SQLiteAttributes.Limits = .init()) -> SQLiteAttributes {
        SQLiteAttributes(path: path, limits: limits) { [told] reason in
            told.reasons.withLock { $0.append(reason) }
        }
    }

    private var reasons: [String] { told.reasons.withLock(\.self) }

    private final class Told: Sendable {
        let reasons = Mutex<[String]>([])
    }

    private func address(_ key: String, bucket: BucketName = "photos") throws -> ObjectAddress {
        ObjectAddress(bucket: bucket, key: try ObjectKey(key))
    }

    private func object(_ number: Int, padding: Int = 0) -> KnownObject {
        var metadata = ObjectMetadata(
            contentType: "text/plain", cacheControl: "no-store", contentDisposition: "inline",
            contentEncoding: "gzip", contentLanguage: "de", expires: "0",
            user: ["mode": "33188", "note": "\u{fc}" + String(repeating: "x", count: padding)])
        metadata.websiteRedirect = "/there"
        metadata.storage = StorageTraits(
            storageClass: "COLD", encryption: "aws:kms", encryptionKey: "k")
        metadata.tagCount = 2
        let head = ObjectHead(
            etag: ETag("tag-\(number)"), size: UInt64(number),
            lastModified: WallTime(seconds: 1_700_000_000), metadata: metadata)
        return KnownObject(
            head: head, listed: WallTime(seconds: 1_700_000_000, nanoseconds: 123_000_000))
    }

    private func write(_ store: SQLiteAttributes, _ range: Range<Int>, padding: Int = 0) throws {
        var changes = KnownChanges()
        for number in range {
            changes.objects.append((try address("k\(number)"), object(number, padding: padding)))
        }
        store.write(changes)
    }

    @Test func everythingComesBack() throws {
        let store = open()
        try write(store, 0..<100)
        store.close()
        let again = open()
        defer { again.close() }
        for number in 0..<100 {
            #expect(again.recall(try address("k\(number)")) == object(number))
        }
        #expect(again.recall(try address("k1", bucket: "other:photos")) == nil)
        #expect(again.recall(try address("k1", bucket: "photos2")) == nil)
        #expect(again.recall(try address("none")) == nil)
        #expect(reasons.isEmpty)
    }

    @Test func theLatestCounts() throws {
        let store = open()
        defer { store.close() }
        try write(store, 7..<8)
        var changes = KnownChanges()
        changes.objects.append((try address("k7"), object(8)))
        store.write(changes)
        #expect(store.recall(try address("k7")) == object(8))
        #expect(store.size()?.objects == 1)
    }

    @Test func whatIsNotTheFormIsDroppedAsAWhole() throws {
        let store = open()
        try write(store, 0..<10)
        store.close()
        let other = try DatabaseQueue(path: path)
        try other.write { try $0.execute(sql: "PRAGMA user_version=999") }
        try other.close()
        let again = open()
        defer { again.close() }
        #expect(again.size()?.objects == 0)
        try write(again, 0..<1)
        #expect(again.recall(try address("k0")) == object(0))
        #expect(reasons.isEmpty)
    }

    @Test func rubbishIsReplaced() throws {
        try Data(repeating: 0x5A, count: 40_000).write(to: URL(filePath: path))
        let store = open()
        defer { store.close() }
        try write(store, 0..<1)
        #expect(store.recall(try address("k0")) == object(0))
    }

    /// Each page in turn: the first is replaced, in others rows are missed or everything is given up; nothing false
    /// is ever told.
    @Test func aDamagedPageTellsNothingFalse() throws {
        let store = open()
        try write(store, 0..<300, padding: 200)
        store.close()
        let whole = try Data(contentsOf: URL(filePath: path))
        var missed = 0
        for page in stride(from: 0, to: whole.count, by: 4096 * 3) {
            for suffix in ["-wal", "-shm"] {
                do { try FileManager.default.removeItem(atPath: path + suffix) } catch {}
            }
            var damaged = whole
            for place in stride(from: page + 8, to: min(page + 4096, whole.count), by: 37) {
                damaged[place] ^= 0x41
            }
            try damaged.write(to: URL(filePath: path))
            let again = open()
            for number in 0..<300 {
                let found = again.recall(try address("k\(number)"))
                if found == nil { missed += 1 }
                #expect(found == nil || found == object(number, padding: 200))
            }
            try write(again, 0..<1)
            again.close()
        }
        #expect(missed > 0)
    }

    @Test func whatCannotBeOpenedIsToldOnce() throws {
        let store = SQLiteAttributes(path: directory.path + "/none/attributes.db") {
            [told] reason in
            told.reasons.withLock { $0.append(reason) }
        }
        try write(store, 0..<5)
        #expect(store.recall(try address("k0")) == nil)
        #expect(store.size() == nil)
        #expect(reasons.count == 1)
    }

    @Test func aSecondMountGoesWithout() throws {
        let store = open()
        try write(store, 0..<5)
        let second = open()
        #expect(reasons == ["another mount has it"])
        #expect(second.recall(try address("k0")) == nil)
        try write(second, 5..<6)
        #expect(store.recall(try address("k0")) == object(0))
        store.close()
    }

    @Test func deletedWhileItIsInUse() throws {
        let store = open()
        try write(store, 0..<5)
        for suffix in ["", "-wal"] {
            do { try FileManager.default.removeItem(atPath: path + suffix) } catch {}
        }
        for number in 0..<5 {
            let found = store.recall(try address("k\(number)"))
            #expect(found == nil || found == object(number))
        }
        try write(store, 5..<10)
        store.close()
        let again = open()
        defer { again.close() }
        try write(again, 0..<1)
        #expect(again.recall(try address("k0")) == object(0))
    }

    @Test func theOldestRowsGo() throws {
        let store = open(.init(rows: 100))
        defer { store.close() }
        for start in stride(from: 0, to: 1000, by: 50) { try write(store, start..<start + 50) }
        #expect(store.size()?.objects == 100)
        #expect(store.recall(try address("k999")) == object(999))
        #expect(store.recall(try address("k0")) == nil)
    }

    @Test func theFileStaysSmall() throws {
        let store = open(.init(bytes: 1 << 20))
        defer { store.close() }
        for start in stride(from: 0, to: 4000, by: 100) {
            try write(store, start..<start + 100, padding: 500)
        }
        #expect(try #require(store.size()).bytes <= 1 << 20)
        #expect(store.recall(try address("k3999")) == object(3999, padding: 500))
        #expect(reasons.isEmpty)
    }

    private func keep(_ store: SQLiteAttributes, _ numbers: [UInt64: UInt64?]) {
        var changes = KnownChanges()
        for (home, number) in numbers {
            changes.numbers.updateValue(
                number.map { InodeNumber($0) }, forKey: InodeNumber(derivedFrom: home))
        }
        store.write(changes)
    }

    private func numbers(_ store: SQLiteAttributes, _ homes: Range<UInt64>) -> [UInt64?] {
        let found = store.numbers(of: homes.map { InodeNumber(derivedFrom: $0) })
        return homes.map { found[InodeNumber(derivedFrom: $0)]?.value }
    }

    @Test func aNumberIsKeptForOneNameAlone() throws {
        let store = open()
        keep(store, [1: 57, 2: 58, 3: 59])
        // Renamed over one another, in one batch and in two.
        keep(store, [1: 58, 2: 57])
        #expect(numbers(store, 1..<5) == [58, 57, 59, nil])
        keep(store, [4: 59])
        #expect(numbers(store, 1..<5) == [58, 57, nil, 59])
        keep(store, [1: nil, 2: 58])
        #expect(numbers(store, 1..<5) == [nil, 58, nil, 59])
        store.close()
        let again = open()
        defer { again.close() }
        #expect(numbers(again, 1..<5) == [nil, 58, nil, 59])
    }

    @Test func whatIsTakenIsTold() throws {
        let store = open()
        defer { store.close() }
        #expect(store.takenNumbers().largest == nil)
        let derived = InodeNumber(derivedFrom: 77)
        keep(store, [1: 57, 2: 99, 3: derived.value])
        #expect(store.takenNumbers().largest == InodeNumber(99))
        #expect(store.takenNumbers().derived == [derived])
    }

    @Test func tooManyNumbersAreForgottenAtOnce() throws {
        let store = open(.init(rows: 10))
        for number in UInt64(0)..<20 { keep(store, [number: number + 100]) }
        #expect(store.takenNumbers().largest == nil)
        #expect(numbers(store, 0..<20).allSatisfy { $0 == nil })
        store.close()
    }

    @Test func everythingIsForgotten() throws {
        let store = open()
        defer { store.close() }
        try write(store, 0..<1000, padding: 500)
        let before = try #require(store.size())
        store.removeAll()
        let after = try #require(store.size())
        #expect(after.objects == 0)
        #expect(after.bytes < before.bytes / 4)
        try write(store, 0..<1)
        #expect(store.recall(try address("k0")) == object(0))
    }
}
