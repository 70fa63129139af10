extension [UInt8] {
    /// Nearly all names and keys are ASCII, and every operation makes some: those need no String to tell.
    package var isUTF8: Bool {
        allSatisfy { $0 < 0x80 } || String(validating: self, as: UTF8.self) != nil
    }
}
