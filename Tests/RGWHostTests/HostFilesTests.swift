import FoundationEssentials
import RGWBase
import RGWSpool
import Testing

@testable import RGWHost

/// 2025-01-31T23:59:58Z for ever.
private struct StoppedClock: Clock {
    func now() -> Instant { Instant(nanoseconds: 0) }
    func wallTime() -> WallTime { WallTime(seconds: 1_738_367_998) }
}

@Suite struct HostFilesTests {
    private let bytes: [UInt8] = Array("hello".utf8)

    @Test func createdFileIsWhereItsIdentifierSays() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            let file = try files.create(DataID(0x1234_ABCD))
            try file.write(bytes.span, at: 0)
            try file.sync()
            let path = "\(spool)/data/cd/000000001234abcd"
            #expect(try HostFile.read(path)?.bytes == bytes)
            #expect(try HostFile.read(path)?.status.permissions == 0o600)
            #expect(try HostNames.status("\(spool)/data")?.permissions == 0o700)
        }
    }

    @Test func identifierIsNeverUsedTwice() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            let first = try files.create(DataID(1))
            try first.write(bytes.span, at: 0)
            let error = #expect(throws: SpoolError.self) { _ = try files.create(DataID(1)) }
            guard case .failed(_, let number) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(number == 17)
            #expect(try first.size() == 5)
        }
    }

    @Test func missingFileIsNoError() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            #expect(try files.open(DataID(9)) == nil)
            try files.remove(DataID(9))
        }
    }

    @Test func removedFileIsGoneButAnOpenOneStaysReadable() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            let file = try files.create(DataID(9))
            try file.write(bytes.span, at: 0)
            try files.remove(DataID(9))
            #expect(try files.open(DataID(9)) == nil)
            #expect(try files.list().isEmpty)
            #expect(try file.read(at: 0, count: 10) == bytes)
        }
    }

    @Test func listIsSortedAndLeavesStrangersOut() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            let identifiers = [DataID(0x2FF), DataID(1), DataID(.max), DataID(0x100)]
            for id in identifiers { _ = try files.create(id) }
            for stranger in ["01/0000000000000002", "01/0000000000000001.tmp", "01/x", "zz"] {
                try HostFile.writeAtomically("\(spool)/data/\(stranger)", text: "", mode: 0o600)
            }
            #expect(try HostFiles(spool: spool).list() == identifiers.sorted())
        }
    }

    @Test func syncAllAndFreeBytesAnswer() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            _ = try files.create(DataID(1))
            try files.syncAll()
            #expect(try files.volume().freeBytes > 1 << 20)
        }
    }

    // MARK: - lost/

    @Test func lostFileKeepsItsContentBesideTheReason() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool, clock: StoppedClock())
            let file = try files.create(DataID(0xAB))
            try file.write(bytes.span, at: 0)
            try files.moveToLost(DataID(0xAB), description: "key a/b\nwhy\n")
            let lost = "\(spool)/lost/20250131T235958Z-00000000000000ab"
            #expect(try HostFile.read("\(lost)/data")?.bytes == bytes)
            #expect(try HostFile.read("\(lost)/info.txt")?.text == "key a/b\nwhy\n")
            #expect(try files.list().isEmpty)
            #expect(try file.read(at: 0, count: 5) == bytes)
        }
    }

    @Test func lostFileNeverOverwritesAnother() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool, clock: StoppedClock())
            for round in ["one", "two"] {
                let file = try files.create(DataID(1))
                try file.write(Array(round.utf8).span, at: 0)
                if round == "one" {
                    try files.moveToLost(DataID(1), description: round)
                } else {
                    #expect(throws: SpoolError.self) {
                        try files.moveToLost(DataID(1), description: round)
                    }
                }
            }
            let lost = "\(spool)/lost/20250131T235958Z-0000000000000001"
            #expect(try HostFile.read("\(lost)/data")?.text == "one")
            #expect(try HostFile.read("\(lost)/info.txt")?.text == "one")
            #expect(try files.open(DataID(1))?.read(at: 0, count: 9) == Array("two".utf8))
        }
    }

    @Test func interruptedMoveToLostGoesOnInTheSameDirectory() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            _ = try files.create(DataID(1))
            // As a crash leaves it: described, not moved.
            let begun = "\(spool)/lost/20200101T000000Z-0000000000000001"
            try HostNames.makeDirectory(begun, mode: 0o700)
            try HostFile.writeAtomically("\(begun)/info.txt", text: "half", mode: 0o600)
            try files.moveToLost(DataID(1), description: "whole")
            #expect(try HostNames.list("\(spool)/lost")?.count == 1)
            #expect(try HostNames.list(begun) == ["data", "info.txt"])
            #expect(try HostFile.read("\(begun)/info.txt")?.text == "whole")
        }
    }

    @Test func whatIsAnnouncedIsKnownUntilItIsMoved() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool, clock: StoppedClock())
            for number: UInt64 in [1, 2] { _ = try files.create(DataID(number)) }
            try files.announceLost(DataID(2), description: "why")
            #expect(try files.announcedLost() == [DataID(2)])
            #expect(try LostEntries.list(in: spool).isEmpty, "nothing is lost yet")
            try files.moveToLost(DataID(2), description: nil)
            #expect(try files.announcedLost().isEmpty)
            #expect(try LostEntries.list(in: spool).map(\.note) == ["why"])
            #expect(try files.list() == [DataID(1)])
        }
    }

    @Test func whatIsWithdrawnLeavesNoNote() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool, clock: StoppedClock())
            for number: UInt64 in [1, 2] { _ = try files.create(DataID(number)) }
            for number: UInt64 in [1, 2] { try files.announceLost(DataID(number), description: "") }
            try files.withdrawLost(DataID(1))
            try files.withdrawLost(DataID(1))
            #expect(try files.announcedLost() == [DataID(2)])
            #expect(try HostNames.list("\(spool)/lost")?.count == 1)
            #expect(try files.list() == [DataID(1), DataID(2)])
        }
    }

    @Test func losingWhatIsNotThereFailsAndLeavesNothing() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            #expect(throws: SpoolError.self) {
                try files.moveToLost(DataID(1), description: "x")
            }
            #expect(try HostNames.list("\(spool)/lost") == [])
        }
    }

    @Test func theReserveTakesSpaceUntilItIsReleased() throws {
        try withTemporaryDirectory { spool in
            let files = try HostFiles(spool: spool)
            #expect(try files.releaseReserve() == false)
            try files.keepReserve(1 << 20)
            try files.keepReserve(1 << 20)
            let status = try HostNames.status("\(spool)/ballast")
            #expect(try #require(status).allocated >= 1 << 20)
            #expect(try files.releaseReserve())
            #expect(try files.releaseReserve() == false)
            #expect(try files.volume().totalBytes >= files.volume().freeBytes)
        }
    }

    @Test func aSparseFileTakesLessThanItsSize() throws {
        try withTemporaryDirectory { spool in
            let file = try HostFiles(spool: spool).create(DataID(1))
            try file.truncate(to: 64 << 20)
            #expect(try file.allocatedBytes() < 1 << 20)
        }
    }
}
