import RGWWire

/// What is read as XML can be written and read again as the same tree.
enum XMLLaws {
    private indirect enum Node: Equatable {
        case element(String, [Node])
        case text(String, [UInt8])
    }

    static func broken(by bytes: [UInt8]) -> String? {
        walk(bytes)
        guard let first = try? tree(bytes) else { return nil }
        var written: [UInt8] = []
        write(first, to: &written)
        guard let second = try? tree(written) else { return "a written tree is refused" }
        return first == second ? nil : "a tree is read as another one"
    }

    /// Leaves are elements without a child before their end.
    private static func tree(_ bytes: [UInt8]) throws(XMLError) -> Node {
        var reader = XMLReader(bytes)
        let name = try reader.root()
        let node = try node(name, &reader)
        try reader.finish()
        return node
    }

    private static func node(_ name: String, _ reader: inout XMLReader) throws(XMLError) -> Node {
        // The reader is a value: looking ahead is a copy.
        var ahead = reader
        if let text = try? ahead.text() {
            reader = ahead
            return .text(name, text)
        }
        var children: [Node] = []
        while let child = try reader.nextChild() { children.append(try node(child, &reader)) }
        // Text that cannot be read (a wrong reference, say) is passed over between children.
        return children.isEmpty ? .text(name, []) : .element(name, children)
    }

    private static func write(_ node: Node, to bytes: inout [UInt8]) {
        switch node {
        case .element(let name, let children):
            bytes += "<\(name)>".utf8
            for child in children { write(child, to: &bytes) }
            bytes += "</\(name)>".utf8
        case .text(let name, let text):
            bytes += "<\(name)>".utf8
            for byte in text {
                switch byte {
                case UInt8(ascii: "<"): bytes += "&lt;".utf8
                case UInt8(ascii: "&"): bytes += "&amp;".utf8
                default: bytes.append(byte)
                }
            }
            bytes += "</\(name)>".utf8
        }
    }

    /// Every other way through: skipping, and texts as strings.
    private static func walk(_ bytes: [UInt8]) {
        func skips() throws(XMLError) {
            var reader = XMLReader(bytes)
            _ = try reader.root()
            try reader.skip()
            try reader.finish()
        }
        func strings() throws(XMLError) {
            var reader = XMLReader(bytes)
            _ = try reader.root()
            while try reader.nextChild() != nil { _ = try reader.string() }
        }
        for way in [skips, strings] { do throws(XMLError) { try way() } catch { continue } }
    }
}
