import Foundation
import GRDB
import Glibc
import RGWBase
import RGWSpool
import Synchronization
import SystemPackage
import Testing

@testable import RGWJournal

/// A count that threads share.
private final class Counter: Sendable {
    let value = Atomic<Int>(0)
}

@Suite struct JournalDurabilityTests {
    /// The writer is killed while it commits; it prints a dot for each commit that has returned.
    @Test(arguments: [false, true])
    func killedWriterLosesNothingItAcknowledgedAndHalvesNothing(power: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let result = await #expect(
                processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
            ) { [directory = directory as String, power] in
                let journal = try SQLiteJournal(path: "\(directory)/journal.db")
                let done = Counter()
                // From another thread, so that the kill may hit any point of a commit.
                Thread.detachNewThread {
                    while done.value.load(ordering: .relaxed) < 300 { sched_yield() }
                    kill(getpid(), SIGKILL)
                }
                for number in 2...1_000_000 as ClosedRange<UInt64> {
                    try journal.commit(
                        JournalSamples.pair(number), durability: power ? .power : .process)
                    try FileDescriptor.standardOutput.writeAll([0x2E])
                    done.value.add(1, ordering: .relaxed)
                }
            }
            let acknowledged = result?.standardOutputContent.count { $0 == 0x2E } ?? 0
            #expect(acknowledged >= 300)

            let contents = try SQLiteJournal(path: "\(directory)/journal.db").load()
            // One more may have been committed and not acknowledged.
            #expect((acknowledged...acknowledged + 1).contains(contents.nodes.count))
            #expect(contents.intents.count == contents.nodes.count)
            let expected = Set(2..<UInt64(contents.nodes.count + 2))
            #expect(Set(contents.nodes.map(\.inode.value)) == expected)
            #expect(Set(contents.intents.compactMap(\.inode?.value)) == expected)
            #expect(contents.nextInode.value > UInt64(contents.nodes.count + 1))
        }
    }

    @Test func powerCommitsOfManyThreadsAreAllThereAndShareBarriers() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let journal = try SQLiteJournal(path: path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for thread in 0..<8 as Range<UInt64> {
                    group.addTask {
                        for step in 0..<25 as Range<UInt64> {
                            let pair = JournalSamples.pair(2 + thread * 25 + step)
                            try journal.commit(pair, durability: .power)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try journal.load().nodes.count == 200)
            try journal.close()
            #expect(try (1...200).contains(barriers(path)))
        }
    }

    @Test func barrierRunsOnceForWhatItCoversAndAgainAfterReopening() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let journal = try SQLiteJournal(path: path)
            try journal.commit([], durability: .power)
            try journal.commit([], durability: .power)
            try journal.commit(JournalSamples.pair(2), durability: .process)
            try journal.commit([], durability: .power)
            try journal.close()
            #expect(try barriers(path) == 2)
            // What a killed process left in the log may not have reached the disk.
            let next = try SQLiteJournal(path: path)
            try next.commit([], durability: .power)
            try next.close()
            #expect(try barriers(path) == 3)
        }
    }

    /// The log may have a gap where a killed process failed to sync it, and ends there after a power cut.
    @Test func whatAKilledProcessLeftInTheLogDoesNotStayThere() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let killed = "\(directory)/killed.db"
            let journal = try SQLiteJournal(path: path)
            try journal.commit(JournalSamples.pair(2), durability: .power)
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: killed + suffix)
            }
            let next = try SQLiteJournal(path: killed)
            try next.commit(JournalSamples.pair(3), durability: .process)
            try next.commit([], durability: .power)
            let cut = "\(directory)/cut.db"
            try FileManager.default.copyItem(atPath: killed, toPath: cut)
            let found = try SQLiteJournal(path: cut).load()
            #expect(Set(found.nodes.map(\.inode.value)) == [2, 3])
        }
    }

    @Test func logStaysBoundedAndNothingIsLostByIt() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let journal = try SQLiteJournal(path: path)
            var longest: Int64 = 0
            for round in 0..<60 as Range<UInt64> {
                let first = 2 + round * 100
                for number in first..<first + 100 {
                    try journal.commit(JournalSamples.pair(number), durability: .process)
                }
                longest = max(longest, try Stat(FilePath("\(path)-wal")).size)
            }
            // It grew enough to be cut, and was.
            #expect(longest > 8 << 20)
            #expect(longest < 24 << 20)
            // Nothing but a checkpoint writes to the file itself.
            #expect(try Stat(FilePath(path)).size > 64 << 10)
            let contents = try journal.load()
            #expect(contents.nodes.count == 6_000)
            #expect(contents.intents.count == 6_000)
        }
    }

    @Test func checkpointEmptiesTheLogAndKeepsTheContent() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let journal = try SQLiteJournal(path: path)
            try journal.commit(JournalSamples.pair(2), durability: .process)
            #expect(try Stat(FilePath("\(path)-wal")).size > 0)
            try journal.checkpoint()
            #expect(try Stat(FilePath("\(path)-wal")).size == 0)
            try journal.commit(JournalSamples.pair(3), durability: .power)
            #expect(try journal.load().nodes.count == 2)
        }
    }

    /// No shared-memory index means exclusive use from the first access on.
    @Test func journalNeedsNoSharedMemoryFile() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db")
            try journal.commit(JournalSamples.pair(2), durability: .power)
            let names = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(names.sorted() == ["journal.db", "journal.db-wal"])
        }
    }

    /// How many barriers the file has seen.
    private func barriers(_ path: String) throws -> Int {
        let reader = try DatabaseQueue(path: path)
        defer { try? reader.close() }
        return try reader.read { database in
            try Int.fetchOne(database, sql: "SELECT value FROM meta WHERE name = 'barrier'") ?? -1
        }
    }
}
