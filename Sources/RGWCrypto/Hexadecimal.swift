import RGWBase

/// Lower-case hexadecimal text of bytes and back.
package enum Hexadecimal {
    package static func encode(_ bytes: [UInt8]) -> String {
        // SAFETY: twice as many bytes as there are in `bytes` are initialised, and they are ASCII.
        unsafe String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            for (index, byte) in bytes.enumerated() {
                unsafe buffer[2 * index] = digit(byte >> 4)
                unsafe buffer[2 * index + 1] = digit(byte & 0xF)
            }
            return bytes.count * 2
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x61 - 10 + value
    }

    /// Nil unless `text` is an even number of hexadecimal digits of either case.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        HexDigit.bytes(Array(text.utf8))
    }
}
