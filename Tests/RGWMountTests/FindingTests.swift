import RGWClient
import RGWControl
import RGWMount
import RGWObject
import Testing

/// What doctor concludes from what it sees.
@Suite struct FindingTests {
    @Test(
        arguments: [
            (0, .ok), (60, .ok), (61, .warn), (-61, .warn), (899, .warn), (900, .fail),
            (-900, .fail),
        ] as [(Int64, Finding.Level)])
    func clocksMayDifferByLessThanAQuarterOfAnHour(seconds: Int64, level: Finding.Level) {
        #expect(Finding.clock(aheadSeconds: seconds).level == level)
    }

    @Test(
        arguments: [
            (0, .fail), (255 << 20, .fail), (256 << 20, .warn), (4 << 30, .ok),
        ] as [(UInt64, Finding.Level)])
    func aSpoolNeedsRoom(free: UInt64, level: Finding.Level) {
        #expect(Finding.space("/spool", free: free).level == level)
    }

    @Test func aFindingIsOneLine() {
        let finding = Finding("bucket", .warn, "two\nlines")
        #expect(finding.line == "warn  bucket: two?lines")
        #expect(finding.json.line == #"{"level":"warn","subject":"bucket","text":"two\nlines"}"#)
    }

    @Test(
        arguments: [
            ("a/b", "", true), ("a/", "", true), ("/", "", true), ("p/", "p/", true),
            ("p/a", "p/", true), ("a//b", "", false), ("/a", "", false), ("a/../b", "", false),
            ("./a", "", false), ("p//a", "p/", false), ("a//", "", false),
        ] as [(String, String, Bool)])
    func aKeyIsAPathOrNot(key: String, prefix: String, isPath: Bool) throws {
        let key = try ObjectKey(Array(key.utf8))
        #expect(KeyName.isPath(key, below: Array(prefix.utf8)) == isPath)
    }

    @Test func aPartOver255BytesIsNoName() throws {
        let long = try ObjectKey(Array(("a/" + String(repeating: "n", count: 256)).utf8))
        #expect(!KeyName.isPath(long, below: []))
    }
}

/// What a server can do, and what that means.
@Suite struct AbilityFindingTests {
    private func levels(_ change: (inout ServerCapabilities) -> Void) -> [String: Finding.Level] {
        var found = ServerCapabilities()
        found.writable = .present
        found.createOnly = .present
        found.conditionalPut = .present
        found.conditionalCopy = .present
        change(&found)
        let rows = Finding.abilities(found).map { ($0.subject, $0.level) }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    @Test func aServerThatHonoursConditionsIsFine() {
        #expect(levels { _ in }.values.allSatisfy { $0 == .ok })
    }

    @Test func keysThatMayNotWriteAreAFailure() {
        #expect(levels { $0.writable = .absent } == ["permissions": .fail])
    }

    @Test func whatWasNotTriedIsNoFailure() {
        #expect(levels { $0.writable = .unknown } == ["permissions": .ok, "versioning": .ok])
    }

    @Test(arguments: ServerCapabilities.Versioning.allCases)
    func whatIsDoneWithOldVersionsIsSaid(versioning: ServerCapabilities.Versioning) {
        #expect(levels { $0.versioning = versioning }["versioning"] == .ok)
    }

    @Test func ignoredConditionsAreWarnedOf() {
        #expect(levels { $0.conditionalPut = .absent }["PUT If-Match"] == .warn)
        #expect(levels { $0.createOnly = .absent }["PUT If-None-Match"] == .warn)
        #expect(levels { $0.conditionalCopy = .absent }["COPY of one version"] == .warn)
    }
}
