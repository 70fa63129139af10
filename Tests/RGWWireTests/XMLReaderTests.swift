import RGWWire
import Testing

@Suite struct XMLReaderTests {
    private func text(_ xml: String) throws -> String {
        var reader = XMLReader(Array(xml.utf8))
        _ = try reader.root()
        let text = try reader.string()
        try reader.finish()
        return text
    }

    @Test(arguments: [
        ("<a>x</a>", "x"), ("<a/>", ""), ("<a></a>", ""), ("<a  />", ""),
        ("<?xml version=\"1.0\"?>\n<!-- c --><a b='>' c=\"/>\">x</a>\n<!-- d -->", "x"),
        ("<a>&lt;&gt;&amp;&quot;&apos;</a>", "<>&\"'"), ("<a>&#65;&#x42;&#x1F600;</a>", "AB😀"),
        ("<a>&#x01;</a>", "\u{1}"), ("<a><![CDATA[<&]]]]><![CDATA[>]]></a>", "<&]]>"),
        ("<a>x<!-- <b> -->y</a>", "xy"), ("<n:a xmlns:n='u'>x</n:a>", "x"),
        ("\u{FEFF}<a>x</a>", "x"),
    ])
    func textIsRead(xml: String, expected: String) throws {
        #expect(try text(xml) == expected)
    }

    @Test(arguments: [
        "", "x", "<", "<a", "<a>", "<a>x", "<a>x<", "<a>x</", "<a>x</a", "<a>x</b>", "<a>&</a>",
        "<a>&bogus;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#;</a>",
        "<a>&#99999999999;</a>", "<a>&amp</a>", "<a>x</a><b/>", "<a>x</a>y",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a><!ELEMENT b></a>", "<a><![CDATA[x</a>",
        "<a><!-- x</a>", "<a b='x>y</a>", "<a><b>x</b></a>", "</a>", "< a>x</a>", "<a>\u{0}<",
        "<a b=<c>x</a>", "<?xml", "<![CDATA[x]]>",
        "<n:>x</n:>", "<:a>x</:a>", "<:/>", "<n:m:a>x</n:m:a>", "<n::a/>",
    ])
    func malformedXMLThrows(xml: String) {
        #expect(throws: XMLError.self) { try text(xml) }
    }

    @Test func bytesThatAreNotUTF8Throw() throws {
        var reader = XMLReader(Array("<a>".utf8) + [0xFF] + Array("</a>".utf8))
        _ = try reader.root()
        #expect(throws: XMLError.self) { try reader.string() }
    }

    @Test func childrenAreWalkedAndSkipped() throws {
        let xml = "<r><x>1</x>junk<y><x>2</x><z/></y><e/><x>3</x></r>"
        var reader = XMLReader(Array(xml.utf8))
        #expect(try reader.root() == "r")
        var seen: [String] = []
        while let name = try reader.nextChild() {
            if name == "x" { seen.append(try reader.string()) } else { try reader.skip() }
        }
        try reader.finish()
        #expect(seen == ["1", "3"])
    }

    @Test(arguments: [(XMLReader.depthMax, true), (XMLReader.depthMax + 1, false)])
    func depthIsBounded(depth: Int, passes: Bool) {
        let xml = String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        var reader = XMLReader(Array(xml.utf8))
        var threw = false
        do {
            _ = try reader.root()
            try reader.skip()
            try reader.finish()
        } catch {
            threw = true
        }
        #expect(threw != passes)
    }
}
