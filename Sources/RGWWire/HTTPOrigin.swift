/// Where HTTP requests go: scheme, host and port.
package struct HTTPOrigin: Hashable, Sendable, CustomStringConvertible {
    /// True for https.
    package var secure: Bool
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    package var host: String
    /// Nil: the scheme's own.
    package var port: UInt16?

    package init(secure: Bool, host: String, port: UInt16?) {
        self.secure = secure
        self.host = host
        self.port = port == (secure ? 443 : 80) ? nil : port
    }

    /// What the Host header says: the port is left out when it is the scheme's own.
    package var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }

    package var description: String { "\(secure ? "https" : "http")://\(authority)" }
}
