/// SipHash-2-4 with the all-zero key: 64 well mixed bits of some bytes, the same on every machine and in
/// every process, which the standard library's Hasher is not.
///
/// No secret: who chooses the bytes can find two that hash alike. Source: Aumasson and Bernstein,
/// "SipHash: a fast short-input PRF", 2012.
package struct SipHash: Sendable {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    private init(_ key: (UInt64, UInt64)) {
        v0 = 0x736F_6D65_7073_6575 ^ key.0
        v1 = 0x646F_7261_6E64_6F6D ^ key.1
        v2 = 0x6C79_6765_6E65_7261 ^ key.0
        v3 = 0x7465_6462_7974_6573 ^ key.1
    }

    package static func hash(_ bytes: [UInt8]) -> UInt64 { hash(bytes, key: (0, 0)) }

    static func hash(_ bytes: [UInt8], key: (UInt64, UInt64)) -> UInt64 {
        var state = SipHash(key)
        var word: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            word |= UInt64(byte) << (8 * UInt64(index % 8))
            guard index % 8 == 7 else { continue }
            state.absorb(word)
            word = 0
        }
        // The last word has what is left of the bytes and, on top, how many there were.
        state.absorb(word | UInt64(truncatingIfNeeded: bytes.count) << 56)
        state.v2 ^= 0xFF
        for _ in 0..<4 { state.round() }
        return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    }

    private mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    private mutating func round() {
        v0 &+= v1
        v2 &+= v3
        v1 = Self.rotated(v1, 13) ^ v0
        v3 = Self.rotated(v3, 16) ^ v2
        v0 = Self.rotated(v0, 32)
        v2 &+= v1
        v0 &+= v3
        v1 = Self.rotated(v1, 17) ^ v2
        v3 = Self.rotated(v3, 21) ^ v0
        v2 = Self.rotated(v2, 32)
    }

    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}
