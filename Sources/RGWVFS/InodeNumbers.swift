import RGWBase
import RGWSpool

/// Which number a file gets. Pure; guarded by the volume's state.
///
/// A name found in the bucket gets a number made from its directory's number and itself, so that it gets the
/// same one whenever it is forgotten and found again, and no table is needed. What is made here gets the next
/// free number, which is never used again. Only names that do not have the number that they would be
/// given are remembered, and only while the directory that holds them is not. Numbers of the two kinds
/// differ in bit 62; bit 63 is not used, because the journal's integers have a sign.
struct InodeNumbers: Sendable {
    /// The next number for what is made here.
    private var next: UInt64
    /// The numbers of forgotten names that were made or renamed here, by what they would be given.
    private var kept: [InodeNumber: InodeNumber] = [:]
    /// Numbers made from names that their files do not have any more: not for who has the name now.
    private var away: Set<InodeNumber> = []
    /// How many are remembered of each. Beyond that a forgotten file may come back with another number.
    private var rememberedMax: Int

    init(next: InodeNumber, memoryBytes: Int) {
        self.next = max(2, next.value)
        // An entry of these tables takes about 32 bytes: an eighth of the memory for each.
        rememberedMax = Self.remembered(in: memoryBytes)
    }

    /// Less forgets nothing that is remembered already.
    mutating func resize(memoryBytes: Int) { rememberedMax = Self.remembered(in: memoryBytes) }

    private static func remembered(in memoryBytes: Int) -> Int { memoryBytes / 256 }

    /// What the store of attributes knows: nobody else is to get these.
    mutating func avoid(_ taken: TakenNumbers) {
        if let largest = taken.largest?.value, largest >= next { next = largest + 1 }
        away.formUnion(taken.derived)
    }

    /// The store of attributes has a number for a name that is not known here.
    mutating func learn(_ number: InodeNumber, from home: InodeNumber) {
        guard kept[home] == nil else { return }
        kept[home] = number
        if number.isDerived { away.insert(number) }
        if !number.isDerived, number.value >= next { next = number.value + 1 }
    }

    /// For what is made here.
    mutating func new() -> InodeNumber {
        defer { next += 1 }
        return InodeNumber(next)
    }

    /// For a name found in the bucket, unless some file has that number now. `home`: what it would be given.
    mutating func number(from home: InodeNumber) -> InodeNumber {
        if let own = kept.removeValue(forKey: home) { return own }
        return away.contains(home) ? new() : home
    }

    /// The journal has a file of this number, and nobody else is to get it before that has its name.
    mutating func reserve(_ number: InodeNumber) {
        if number.isDerived { away.insert(number) }
    }

    /// A name with this number is forgotten, but the file stays.
    mutating func keep(
        _ number: InodeNumber, of name: EntryName, isDirectory: Bool, in parent: InodeNumber
    ) {
        guard !number.isDerived || away.contains(number) else { return }
        let home = Self.home(name, isDirectory: isDirectory, in: parent)
        if number == home {
            away.remove(number)
        } else if kept.count < rememberedMax {
            kept[home] = number
        }
    }

    /// A file has another name than before.
    mutating func moved(
        _ number: InodeNumber, to name: EntryName, isDirectory: Bool, in parent: InodeNumber
    ) {
        guard number.isDerived else { return }
        if number == Self.home(name, isDirectory: isDirectory, in: parent) {
            away.remove(number)
        } else if away.count < rememberedMax {
            away.insert(number)
        }
    }

    /// The file is gone.
    mutating func free(_ number: InodeNumber) { away.remove(number) }

    /// What a name is given where nothing speaks against it. Another kind of file is another file.
    static func home(
        _ name: EntryName, isDirectory: Bool, in parent: InodeNumber
    ) -> InodeNumber {
        var bytes = (0..<8).map { UInt8(truncatingIfNeeded: parent.value >> (8 * $0)) }
        bytes += name.bytes
        if isDirectory { bytes.append(0x2F) }
        return InodeNumber(derivedFrom: SipHash.hash(bytes))
    }
}
