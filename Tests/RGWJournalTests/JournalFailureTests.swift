import FoundationEssentials
import GRDB
import RGWBase
import RGWSpool
import Testing

@testable import RGWJournal

@Suite struct JournalFailureTests {
    @Test func secondOpenerIsToldThatTheFileIsBusy() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let first = try SQLiteJournal(path: path)
            let error = #expect(throws: SpoolError.self) { _ = try SQLiteJournal(path: path) }
            guard case .busy(let text) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.contains(path))
            try first.close()
            _ = try SQLiteJournal(path: path).load()
        }
    }

    @Test func newerFormatIsRefusedAndLeftAlone() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            try SQLiteJournal(path: path).close()
            let editor = try DatabaseQueue(path: path)
            try editor.write { try $0.execute(sql: "UPDATE meta SET value=99 WHERE name='format'") }
            try editor.close()
            let before = try Data(contentsOf: URL(filePath: path))

            expectUnusable(path, "format 99")
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
        }
    }

    @Test func anotherProgramsDatabaseIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let editor = try DatabaseQueue(path: path)
            try editor.write { try $0.execute(sql: "CREATE TABLE meta (name TEXT, value TEXT)") }
            try editor.close()
            expectUnusable(path, "another program")
        }
    }

    @Test func fileThatIsNoDatabaseIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            try Data(repeating: 0x41, count: 8_192).write(to: URL(filePath: path))
            expectUnusable(path, "damaged")
        }
    }

    @Test func overwrittenPagesAreFoundWhenOpening() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let journal = try SQLiteJournal(path: path)
            for number in 2..<400 as Range<UInt64> {
                try journal.commit(JournalSamples.pair(number), durability: .process)
            }
            try journal.checkpoint()
            try journal.close()
            // Everything but the header page.
            var bytes = try Data(contentsOf: URL(filePath: path))
            for index in 4_096..<bytes.count { bytes[index] = 0x5A }
            try bytes.write(to: URL(filePath: path))
            expectUnusable(path, path)
        }
    }

    @Test(arguments: [
        "UPDATE node SET kind = 5", "UPDATE node SET metadata = '{'",
        "UPDATE node SET permissions = -1", "UPDATE intent SET want = 99",
        "UPDATE intent SET key = x''", "UPDATE intent SET key = x'FF'",
        "UPDATE intent SET after_tenant = ''",
    ])
    func rowsThatMakeNoSenseAreDamageAndNoCrash(edit: String) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal.db"
            let journal = try SQLiteJournal(path: path)
            try journal.commit(JournalSamples.pair(2), durability: .process)
            try journal.close()
            let editor = try DatabaseQueue(path: path)
            try editor.write { try $0.execute(sql: edit) }
            try editor.close()

            let again = try SQLiteJournal(path: path)
            let error = #expect(throws: SpoolError.self) { _ = try again.load() }
            guard case .unusable(let text) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.contains(path))
        }
    }

    @Test func fullFileIsAnErrorOfItsOwnAndLeavesTheTransactionOut() throws {
        try withTemporaryDirectory { directory in
            let journal = try SQLiteJournal(path: "\(directory)/journal.db", pagesMax: 8)
            try journal.commit(JournalSamples.pair(2), durability: .process)
            let before = try journal.load()
            let many = (3..<3_000 as Range<UInt64>).flatMap { JournalSamples.pair($0) }
            #expect(throws: SpoolError.full) { try journal.commit(many, durability: .process) }
            #expect(try journal.load() == before)
            // What frees space still works.
            let removal = JournalChange.removeNode(InodeNumber(2))
            try journal.commit([removal], durability: .process)
            #expect(try journal.load().nodes.isEmpty)
        }
    }

    @Test func missingDirectoryIsAFailureThatNamesTheFile() {
        let path = "/nonexistent/rgwfs/journal.db"
        let error = #expect(throws: SpoolError.self) { _ = try SQLiteJournal(path: path) }
        guard case .failed(let operation, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(operation.contains(path))
    }

    private func expectUnusable(_ path: String, _ part: String) {
        let error = #expect(throws: SpoolError.self) { _ = try SQLiteJournal(path: path) }
        guard case .unusable(let text) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains(path))
        #expect(text.contains(part))
    }
}
