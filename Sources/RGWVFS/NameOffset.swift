import RGWBase

/// The offset after a name of a directory that is read as a whole: its position and a digest, so that it stays
/// valid when the names are read anew. Bit 62 tells it from an offset into pages.
enum NameOffset {
    private static let bit: UInt64 = 1 << 62
    private static let positionMask: UInt64 = 0x3F_FFFF
    private static let digestMask: UInt64 = 0xFF_FFFF_FFFF

    static func isOne(_ offset: UInt64) -> Bool { offset & bit != 0 }

    static func after(_ position: Int, _ name: EntryName) -> UInt64 {
        bit | (UInt64(position) & positionMask) << 40 | name.digest & digestMask
    }

    /// Where reading goes on. Offsets up to 2 come before every name.
    static func position(_ offset: UInt64, in names: [OpenDirectory.Name]) -> Int {
        guard offset > 2 else { return 0 }
        let before = Int(offset >> 40 & positionMask)
        func isIt(_ index: Int) -> Bool {
            names.indices.contains(index)
                && names[index].name.digest & digestMask == offset & digestMask
        }
        if isIt(before) { return before + 1 }
        // Names before it came or went.
        let found = names.indices.filter(isIt).min { abs($0 - before) < abs($1 - before) }
        // It is gone: what followed it is where it was.
        return found.map { $0 + 1 } ?? min(before, names.count)
    }
}

extension EntryName {
    /// FNV-1a, 64 bits. Source: draft-eastlake-fnv, section 2.
    var digest: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}
