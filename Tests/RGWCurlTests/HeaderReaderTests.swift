import RGWCurl
import Testing

@Suite struct HeaderReaderTests {
    private func read(_ lines: [String]) -> [HeaderReader.Line] {
        var reader = HeaderReader()
        return (["HTTP/1.1 200 OK\r\n"] + lines).map { line in
            let bytes = Array(line.utf8)
            return reader.read(bytes.span)
        }
    }

    private func isMalformed(_ line: HeaderReader.Line?) -> Bool {
        if case .malformed? = line { true } else { false }
    }

    /// Every object's metadata stays in memory: ten thousand objects may not have a gigabyte of it.
    @Test func aHeaderThatIsTooLongIsRefused() {
        let field = "x-amz-meta-a: " + String(repeating: "v", count: 1000) + "\r\n"
        let lines = read(Array(repeating: field, count: 200))
        #expect(lines.dropFirst().prefix(60).allSatisfy { $0 == .field })
        #expect(isMalformed(lines.last))
    }

    @Test func theNextAnswerOfAConnectionStartsAnew() {
        var reader = HeaderReader()
        let field = Array(("a: " + String(repeating: "v", count: 40_000) + "\r\n").utf8)
        let status = Array("HTTP/1.1 100 Continue\r\n".utf8)
        let end = Array("\r\n".utf8)
        for _ in 0..<3 {
            let kinds = [reader.read(status.span), reader.read(field.span), reader.read(end.span)]
            #expect(kinds == [.statusLine, .field, .end])
        }
    }
}
