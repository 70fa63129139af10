import GRDB
import RGWBase
import RGWObject
import RGWSpool
import Testing

@testable import RGWJournal

@Suite struct SQLiteJournalTests {
    @Test func newJournalIsEmptyAndStartsAboveTheRoot() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            #expect(try journal.load() == JournalContents())
        }
    }

    @Test func everyFieldComesBackAfterReopening() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let changes: [JournalChange] = [
                .node(JournalSamples.fullNode), .node(JournalSamples.emptyNode),
                .intent(JournalSamples.fullIntent), .intent(JournalSamples.emptyIntent),
                .flight(JournalSamples.fullFlight), .flight(JournalSamples.emptyFlight),
            ]
            let writer = try SQLiteJournal(path: path)
            try writer.commit(changes, durability: .process)
            try writer.close()

            let contents = try SQLiteJournal(path: path).load()
            #expect(contents.nodes.count == 2)
            #expect(contents.nodes.contains(JournalSamples.fullNode))
            #expect(contents.nodes.contains(JournalSamples.emptyNode))
            // Ordered by tenant first.
            #expect(contents.intents == [JournalSamples.emptyIntent, JournalSamples.fullIntent])
            #expect(contents.flights == [JournalSamples.emptyFlight, JournalSamples.fullFlight])
        }
    }

    @Test(arguments: FileKind.allCases)
    func everyKindOfFileComesBack(kind: FileKind) throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            var node = JournalSamples.emptyNode
            node.attributes.kind = kind
            try journal.commit([.node(node)], durability: .process)
            #expect(try journal.load().nodes == [node])
        }
    }

    @Test(arguments: IntentRecord.Want.allCases)
    func everyWishComesBack(want: IntentRecord.Want) throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            var intent = JournalSamples.emptyIntent
            intent.want = want
            try journal.commit([.intent(intent)], durability: .process)
            #expect(try journal.load().intents == [intent])
        }
    }

    @Test func writingARecordAgainReplacesIt() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            var node = JournalSamples.fullNode
            var intent = JournalSamples.fullIntent
            try journal.commit([.node(node), .intent(intent)], durability: .process)
            node.base = nil
            node.data = nil
            node.metadata = ObjectMetadata()
            intent.want = .delete
            intent.after = nil
            intent.inode = nil
            try journal.commit([.node(node), .intent(intent)], durability: .process)
            let contents = try journal.load()
            #expect(contents.nodes == [node])
            #expect(contents.intents == [intent])
        }
    }

    @Test func removedRecordsAreGoneAndRemovingNothingIsFine() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            try journal.commit(
                [
                    .node(JournalSamples.fullNode), .intent(JournalSamples.fullIntent),
                    .flight(JournalSamples.fullFlight),
                ], durability: .process)
            let removals: [JournalChange] = [
                .removeNode(JournalSamples.fullNode.inode),
                .removeIntent(JournalSamples.fullIntent.address),
                .removeFlight(JournalSamples.fullFlight.address),
            ]
            try journal.commit(removals, durability: .process)
            try journal.commit(removals, durability: .process)
            let contents = try journal.load()
            #expect(contents.nodes.isEmpty)
            #expect(contents.intents.isEmpty)
            #expect(contents.flights.isEmpty)
        }
    }

    @Test func changesApplyInTheirOrder() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            let node = JournalSamples.emptyNode
            let intent = JournalSamples.emptyIntent
            try journal.commit(
                [
                    .removeNode(node.inode), .node(node), .intent(intent),
                    .removeIntent(intent.address),
                ], durability: .process)
            let contents = try journal.load()
            #expect(contents.nodes == [node])
            #expect(contents.intents.isEmpty)
        }
    }

    @Test func keysDifferByBytesBucketAndTenant() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            let buckets: [BucketName] = ["b", BucketName(tenant: "t", name: "b"), "c"]
            // One character in its NFC and NFD spellings: Swift's strings call them equal.
            let keys: [[UInt8]] = [[0xC3, 0xBC], [0x75, 0xCC, 0x88], [0x75]]
            var intents: [IntentRecord] = []
            for bucket in buckets {
                for key in keys {
                    var intent = JournalSamples.emptyIntent
                    intent.address = ObjectAddress(bucket: bucket, key: try ObjectKey(key))
                    intents.append(intent)
                }
            }
            try journal.commit(intents.map { .intent($0) }, durability: .process)
            #expect(Set(try journal.load().intents.map(\.address)).count == 9)
            try journal.commit([.removeIntent(intents[0].address)], durability: .process)
            #expect(try journal.load().intents.count == 8)
        }
    }

    @Test func identifiersStayAboveEverythingEverCommitted() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            var used: UInt64 = 1
            for round in 0..<5 as Range<UInt64> {
                let journal = try SQLiteJournal(path: path)
                let start = try journal.load()
                #expect(start.nextInode.value > used)
                #expect(start.nextData.value > used || round == 0)
                used = start.nextInode.value + round * 700
                let node = JournalSamples.node(used, data: used)
                try journal.commit([.node(node)], durability: .process)
                try journal.commit([.removeNode(node.inode)], durability: .process)
                try journal.close()
            }
        }
    }

    @Test func anOlderFormatIsBroughtUpToDateWithItsRows() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let old = try DatabaseQueue(path: path)
            try old.write { database in
                try database.execute(sql: "PRAGMA application_id=\(JournalSchema.applicationID)")
                try database.execute(sql: JournalSchema.formatOne)
                for (name, value) in [("format", 1), ("barrier", 0), ("next_inode", 7)] {
                    try database.execute(
                        sql: "INSERT INTO meta VALUES (?, ?)", arguments: [name, value])
                }
                try database.execute(sql: "INSERT INTO meta VALUES ('next_data', 9)")
                try database.execute(
                    sql: """
                        INSERT INTO intent VALUES
                        ('', 'photos', x'61', 1, 5, 'tag', '', 'photos', x'62', 3, 4)
                        """)
            }
            try old.close()
            for _ in 0..<2 {
                let journal = try SQLiteJournal(path: path)
                let contents = try journal.load()
                let intent = IntentRecord(
                    address: JournalSamples.address("a"), want: .put, inode: InodeNumber(5),
                    base: "tag", after: JournalSamples.address("b"),
                    born: WallTime(seconds: 3, nanoseconds: 4))
                #expect(contents.intents == [intent])
                #expect(contents.nextInode == InodeNumber(7))
                #expect(contents.flights.isEmpty)
                try journal.close()
            }
        }
    }

    @Test func inodeOfAnIntentAloneCounts() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            let intent = JournalSamples.intent("a", inode: 123_456)
            try journal.commit([.intent(intent)], durability: .process)
            #expect(try journal.load().nextInode > InodeNumber(123_456))
        }
    }

    @Test func ordinaryCommitsDoNotReserveIdentifiersAgain() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            try journal.commit(JournalSamples.pair(2), durability: .process)
            let reserved = try journal.load().nextInode
            for number in 3..<900 as Range<UInt64> {
                try journal.commit(JournalSamples.pair(number), durability: .process)
            }
            #expect(try journal.load().nextInode == reserved)
        }
    }
}
