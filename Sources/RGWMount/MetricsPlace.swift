/// Where a mount's metrics can be had: on this machine only.
package enum MetricsPlace: Equatable, Sendable {
    /// A Unix socket's path.
    case socket(String)
    /// Of 127.0.0.1, or of ::1.
    case port(UInt16, isVersion6: Bool)

    static let form = "a port, 127.0.0.1:PORT, [::1]:PORT or the absolute path of a Unix socket"

    init?(option text: String) {
        if text.utf8.first == 0x2F {
            guard text.utf8.last != 0x2F else { return nil }
            self = .socket(text)
            return
        }
        for (address, isVersion6) in [
            ("127.0.0.1:", false), ("localhost:", false), ("[::1]:", true),
        ]
        where text.utf8.starts(with: address.utf8) {
            guard let port = Self.port(text.dropFirst(address.count)) else { return nil }
            self = .port(port, isVersion6: isVersion6)
            return
        }
        guard let port = Self.port(text[...]) else { return nil }
        self = .port(port, isVersion6: false)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ ByteText.isDigit($0) }), let port = UInt16(text), port > 0
        else { return nil }
        return port
    }
}
