/// Header fields in order; names are kept in lower case, because HTTP ignores their case and both
/// signatures want them so.
package struct HTTPHeaders: Equatable, Sendable, Sequence {
    package struct Field: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    private var fields: [Field] = []

    package init() {}

    /// The value of the first field of that name (any case is accepted); setting replaces all of
    /// them, and nil removes them.
    package subscript(name: String) -> String? {
        get {
            let name = Self.lowercased(name)
            return fields.first { $0.name == name }?.value
        }
        set {
            let name = Self.lowercased(name)
            fields.removeAll { $0.name == name }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }

    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: Self.lowercased(name), value: value))
    }

    /// Most names are written in lower case already, and `lowercased` always makes a new string.
    private static func lowercased(_ name: String) -> String {
        let utf8 = name.utf8Span
        let bytes = utf8.span
        for index in bytes.indices where (0x41...0x5A) ~= bytes[index] { return name.lowercased() }
        return name
    }

    package mutating func removeAll() { fields.removeAll(keepingCapacity: true) }

    package func makeIterator() -> IndexingIterator<[Field]> { fields.makeIterator() }

    package var count: Int { fields.count }

    /// Bytes on the wire, with `: ` and the line ends. RGW's limit for all of them is 16 KiB.
    package var wireLength: Int {
        fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }
}
