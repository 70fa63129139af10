import RGWBase
import Testing

@testable import RGWVFS

/// Positions in a directory that is read as a whole.
@Suite struct NameOffsetTests {
    private func names(_ texts: [String]) throws -> [OpenDirectory.Name] {
        try texts.map {
            OpenDirectory.Name(name: try EntryName(Array($0.utf8)), inode: .root, kind: nil)
        }
    }

    private func offset(_ position: Int, _ text: String) throws -> UInt64 {
        NameOffset.after(position, try EntryName(Array(text.utf8)))
    }

    @Test func anOffsetLeadsBehindItsNameWhateverCameOrWentBefore() throws {
        let before = try offset(2, "c")
        #expect(before < 1 << 63 && NameOffset.isOne(before))
        #expect(NameOffset.position(before, in: try names(["a", "b", "c", "d"])) == 3)
        #expect(NameOffset.position(before, in: try names(["c", "d"])) == 1)
        #expect(NameOffset.position(before, in: try names(["a", "aa", "b", "bb", "c", "d"])) == 5)
    }

    @Test func aNameThatIsGoneLeavesItsPlace() throws {
        let before = try offset(2, "c")
        #expect(NameOffset.position(before, in: try names(["a", "b", "d"])) == 2)
        #expect(NameOffset.position(before, in: try names(["a"])) == 1)
        #expect(NameOffset.position(before, in: []) == 0)
    }

    @Test func theFirstOffsetsAreBeforeEveryName() throws {
        for offset in 0...2 as ClosedRange<UInt64> {
            #expect(NameOffset.position(offset, in: try names(["a"])) == 0)
            #expect(!NameOffset.isOne(offset))
        }
    }
}
