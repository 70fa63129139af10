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
        let utf8 = Array(text.utf8)
        guard utf8.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count / 2)
        for index in stride(from: 0, to: utf8.count, by: 2) {
            guard let byte = HexDigit.byte(utf8[index], utf8[index + 1]) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
