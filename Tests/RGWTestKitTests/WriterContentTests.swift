import RGWTestKit
import Testing

/// The judge of contents that several writers made.
@Suite struct WriterContentTests {
    private let steps = [
        WriterStep(writer: 0, number: 1, kind: .put, tag: 1, count: 10),
        WriterStep(writer: 2, number: 2, kind: .put, tag: 2, count: 20),
        WriterStep(writer: 0, number: 3, kind: .append, tag: 3, count: 5),
        WriterStep(writer: 1, number: 4, kind: .write(at: 2), tag: 4, count: 4),
        WriterStep(writer: 0, number: 5, kind: .cut(to: 12)),
    ]

    private func explains(_ runs: (tag: UInt8, count: Int)...) -> Bool {
        let content = runs.flatMap { [UInt8](repeating: $0.tag, count: $0.count) }
        return WriterExplanation.explains(steps, content)
    }

    @Test func versionsThatSomebodyMadeAreExplained() {
        #expect(explains())
        #expect(explains((1, 10)))
        #expect(explains((2, 20), (3, 5)))
        #expect(explains((1, 2), (4, 4), (1, 4), (3, 2)))
        #expect(explains((2, 12)))
        #expect(explains((1, 10), (0, 2)))
    }

    @Test func mixturesAreNot() {
        #expect(!explains((2, 10)), "one's bytes with the other's size")
        #expect(!explains((1, 10), (2, 10)))
        #expect(!explains((2, 10), (3, 5), (2, 5)), "an append in the middle")
        #expect(!explains((2, 20), (0, 3), (3, 5)), "an append behind the end")
        #expect(!explains((2, 5), (9, 3)), "nobody's bytes")
    }
}
