/// A file's identity for the life of a mount. `1` is the root (FUSE_ROOT_ID).
package struct InodeNumber: Hashable, Sendable, Comparable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static let root = InodeNumber(1)

    /// Numbers of files that were made here are counted; this bit tells those that are made from a name.
    private static let derivedBit: UInt64 = 1 << 62

    /// Made from a name's hash, so that the same name gets the same number. Source: InodeNumbers.
    package init(derivedFrom hash: UInt64) {
        value = hash & (Self.derivedBit - 1) | Self.derivedBit
    }

    package var isDerived: Bool { value & Self.derivedBit != 0 }

    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// An open file or directory, as the kernel carries it in `fh`.
package struct HandleID: Hashable, Sendable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
}

/// Names one data file of the spool; never reused within a spool.
package struct DataID: Hashable, Sendable, Comparable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// Counts the changes of one file's content: equal generations mean equal bytes.
package struct Generation: Hashable, Sendable, Comparable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
    package var next: Generation { Generation(value + 1) }
}
