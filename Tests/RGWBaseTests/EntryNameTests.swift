import RGWBase
import Testing

@Suite struct EntryNameTests {
    @Test(arguments: ["a", "a b", "…", "-", ".hidden", "..x", "a\u{1}b", "*?#&%+\\;"])
    func ordinaryAndOddNamesAreNames(text: String) throws {
        #expect(try EntryName(Array(text.utf8)).text == text)
    }

    @Test(arguments: ["", ".", "..", "a/b", "/", "a\0b"])
    func reservedNamesAreNot(text: String) {
        #expect(throws: EntryName.Invalid.reserved) { try EntryName(Array(text.utf8)) }
    }

    @Test func aNameHasAtMost255Bytes() throws {
        let longest = [UInt8](repeating: 0x78, count: 255)
        #expect(try EntryName(longest).bytes.count == 255)
        #expect(throws: EntryName.Invalid.tooLong) { try EntryName(longest + [0x78]) }
    }

    @Test(arguments: [[0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0xAF]] as [[UInt8]])
    func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        #expect(throws: EntryName.Invalid.notUTF8) { try EntryName(bytes) }
    }

    @Test func canonicallyEqualNamesDiffer() {
        let composed: EntryName = "\u{e9}"
        let decomposed: EntryName = "e\u{301}"
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test func namesSortByBytes() {
        let names: [EntryName] = ["b", "a", "Z", "é", "a-", "a0"]
        #expect(names.sorted().map(\.text) == ["Z", "a", "a-", "a0", "b", "é"])
    }
}
