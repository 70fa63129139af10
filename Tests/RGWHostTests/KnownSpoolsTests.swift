import RGWBase
import RGWSpool
import Testing

@testable import RGWHost

/// The list of this machine's spools.
@Suite struct KnownSpoolsTests {
    private func known(
        _ spool: String, _ bucket: String, _ prefix: String = "", readOnly: Bool = false,
        endpoint: String = "http://rgw", owner: SpoolOwner = .current(mountPoint: "/mnt/ü x")
    ) -> KnownSpool {
        KnownSpool(
            spool: spool,
            identity: SpoolIdentity(endpoint: endpoint, bucket: bucket, prefix: prefix),
            isReadOnly: readOnly, owner: owner)
    }

    private func make(_ spool: String) throws {
        try HostNames.makeDirectories(spool, mode: 0o700)
        try HostFile.writeAtomically("\(spool)/FORMAT", text: "x", mode: 0o600)
    }

    @Test func aLineIsReadAsItWasWritten() throws {
        let line = known("/var/a\nb", "tenant:b", "p q/", readOnly: true)
        #expect(KnownSpool(parsing: line.text) == line)
        var other = line
        other.filesystem = "/with space\n"
        #expect(KnownSpool(parsing: other.text) == other)
        #expect(KnownSpool(parsing: "") == nil)
        #expect(KnownSpool(parsing: line.owner.text) == nil)
    }

    @Test(
        arguments: [
            ("b", "", "b", "a/", true), ("b", "a/", "b", "", true), ("b", "a/", "b", "a/c/", true),
            ("b", "a/", "b", "ab/", false), ("b", "", "c", "", false), ("/", "", "c", "x/", true),
            ("b", "", "/", "", true),
        ] as [(String, String, String, String, Bool)])
    func sourcesOverlapWhenOneHoldsTheOther(
        bucket: String, prefix: String, otherBucket: String, otherPrefix: String, overlap: Bool
    ) {
        let one = known("/1", bucket, prefix)
        #expect(one.overlaps(known("/2", otherBucket, otherPrefix)) == overlap)
        #expect(!one.overlaps(known("/2", otherBucket, otherPrefix, readOnly: true)))
        #expect(!one.overlaps(known("/2", otherBucket, otherPrefix, endpoint: "http://other")))
    }

    @Test func anOverlappingMountIsRefusedWhileTheOtherRuns() throws {
        try withTemporaryDirectory { base in
            let list = KnownSpools(base: base)
            let (one, two) = (known("\(base)/1", "b"), known("\(base)/2", "b", "a/"))
            try make(one.spool)
            try make(two.spool)
            var lock: SpoolLock? = try SpoolLock(spool: one.spool, mountPoint: "/mnt/one")
            #expect(lock != nil)
            #expect(try list.add(one, allowingOverlap: false) == nil)
            #expect(try list.add(two, allowingOverlap: false) == one)
            #expect(try list.list() == [one])
            lock = nil
            #expect(try list.add(two, allowingOverlap: false) == nil)
            lock = try SpoolLock(spool: one.spool, mountPoint: "/mnt/one")
            #expect(try list.add(two, allowingOverlap: true) == nil)
            #expect(try list.list() == [one, two])
        }
    }

    @Test func aSpoolOutOfSightIsNotForgotten() throws {
        try withTemporaryDirectory { base in
            let list = KnownSpools(base: base)
            var away = known("\(base)/away/spool", "b")
            away.filesystem = "\(base)/away"
            var gone = known("\(base)/gone", "c")
            gone.filesystem = "/"
            for spool in [away, gone] {
                #expect(try list.add(spool, allowingOverlap: false) == nil)
            }
            #expect(try list.missingFilesystem(of: away.spool)?.mountPoint == "\(base)/away")
            #expect(try list.missingFilesystem(of: gone.spool) == nil)
            #expect(try list.add(known("\(base)/new", "d"), allowingOverlap: false) == nil)
            #expect(try list.list().map(\.spool) == [away.spool, "\(base)/new"])
            try make(away.spool)
            #expect(try list.missingFilesystem(of: away.spool) == nil)
        }
    }

    @Test func aMountThatIsGoneIsNoObstacle() throws {
        try withTemporaryDirectory { base in
            let list = KnownSpools(base: base)
            var dead = SpoolOwner.current(mountPoint: "/mnt")
            dead.startTime += 1
            let one = known("\(base)/1", "b", owner: dead)
            try make(one.spool)
            #expect(try list.add(one, allowingOverlap: false) == nil)
            let two = known("\(base)/2", "b")
            #expect(try list.add(two, allowingOverlap: false) == nil)
            // It is still listed: its spool is still there.
            #expect(try list.list().map(\.spool) == ["\(base)/1", "\(base)/2"])
        }
    }

    @Test func aSpoolThatIsGoneIsForgotten() throws {
        try withTemporaryDirectory { base in
            let list = KnownSpools(base: base)
            #expect(try list.list() == [])
            #expect(try list.add(known("\(base)/1", "b"), allowingOverlap: false) == nil)
            #expect(try list.add(known("\(base)/2", "c"), allowingOverlap: false) == nil)
            #expect(try list.list().map(\.spool) == ["\(base)/2"])
            try list.remove("\(base)/2")
            #expect(try list.list() == [])
        }
    }

    @Test func lookingAtASpoolLeavesItsLockAsItWas() throws {
        try withTemporaryDirectory { spool in
            #expect(throws: SpoolError.self) { _ = try SpoolLock(inspecting: spool) }
            #expect(try HostNames.list(spool) == [])
            var owner: SpoolLock? = try SpoolLock(spool: spool, mountPoint: "/mnt/one")
            #expect(throws: SpoolError.self) { _ = try SpoolLock(inspecting: spool) }
            withExtendedLifetime(owner) {}
            owner = nil
            let text = try HostFile.read("\(spool)/LOCK")?.text
            let look = try SpoolLock(inspecting: spool)
            #expect(look.previousOwner?.mountPoint == "/mnt/one")
            #expect(throws: SpoolError.self) {
                _ = try SpoolLock(spool: spool, mountPoint: "/mnt/two")
            }
            #expect(try HostFile.read("\(spool)/LOCK")?.text == text)
            withExtendedLifetime(look) {}
        }
    }
}

/// `lost/` as the user sees it.
@Suite struct LostEntriesTests {
    @Test func entriesAreListedExportedAndDropped() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            let bytes = Array("content".utf8)
            try files.create(DataID(7)).write(bytes.span, at: 0)
            try files.moveToLost(DataID(7), description: "why")
            let entry = try #require(try LostEntries.list(in: spool).first)
            #expect((entry.note, entry.bytes) == ("why", 7))
            #expect(LostEntries.count(in: spool) == 1)
            let target = "\(spool)/copy"
            try LostEntries.export(entry.identifier, in: spool, to: target)
            #expect(try HostFile.read(target)?.bytes == bytes)
            // Nothing is written over.
            #expect(throws: HostError.self) {
                try LostEntries.export(entry.identifier, in: spool, to: target)
            }
            try LostEntries.drop(entry.identifier, in: spool)
            #expect(try LostEntries.list(in: spool) == [])
        }
    }

    @Test(arguments: ["", ".", "..", "../data", "a/b", "nothing"])
    func whatIsNoEntryIsNotTouched(name: String) throws {
        try withTemporaryDirectory { spool in
            _ = try HostFiles(spool: spool)
            try HostFile.writeAtomically("\(spool)/data/data", text: "x", mode: 0o600)
            #expect(throws: HostError.self) { try LostEntries.drop(name, in: spool) }
            #expect(try HostFile.read("\(spool)/data/data") != nil)
        }
    }
}
