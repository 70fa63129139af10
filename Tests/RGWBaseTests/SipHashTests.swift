import Testing

@testable import RGWBase

@Suite struct SipHashTests {
    /// Source: the reference implementation's vectors.h, SipHash-2-4 with 64 bits, key 00 01 ... 0f.
    @Test(
        arguments: [
            (0, 0x726F_DB47_DD0E_0E31), (1, 0x74F8_39C5_93DC_67FD), (15, 0xA129_CA61_49BE_45E5),
        ] as [(Int, UInt64)]) func theReferenceVectorsHold(count: Int, hash: UInt64)
    {
        let bytes = (0..<count).map { UInt8($0) }
        #expect(
            SipHash.hash(bytes, key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)) == hash)
    }
}
