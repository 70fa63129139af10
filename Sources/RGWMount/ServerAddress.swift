/// Where the S3 service is: `http(s)://host[:port]`.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable, CaseIterable {
        case http
        case https
    }

    package let scheme: Scheme
    /// Lower case; an IPv6 address stands without its brackets.
    package let host: String
    package let port: UInt16

    package init(scheme: Scheme, host: String, port: UInt16) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// What `url=` wants, for messages.
    static let expected = "http://host[:port] or https://host[:port]"

    /// A path other than `/`, a query or a user name is refused: S3 has no place for them.
    package init(parsing text: String, option: String) throws(OptionError) {
        let invalid = OptionError.valueInvalid(name: option, value: text, expected: Self.expected)
        guard !text.utf8.contains(0x40) else {
            throw .secretInValue(name: option, advice: "use credentials=FILE")
        }
        let bytes = Array(text.utf8)
        let scheme = Scheme.allCases.first { candidate in
            text.lowercased().utf8.starts(with: "\(candidate.rawValue)://".utf8)
        }
        guard let scheme else { throw invalid }
        var rest = bytes[(scheme.rawValue.utf8.count + 3)...]
        if rest.last == 0x2F { rest = rest.dropLast() }
        guard let (host, portText) = Self.hostAndPort(rest) else { throw invalid }
        var port: UInt16 = scheme == .http ? 80 : 443
        if let portText {
            let digits = String(decoding: portText, as: UTF8.self)
            guard portText.allSatisfy(ByteText.isDigit), let number = UInt16(digits), number > 0
            else { throw invalid }
            port = number
        }
        self.init(
            scheme: scheme, host: String(decoding: host, as: UTF8.self).lowercased(), port: port)
    }

    private static func hostAndPort(
        _ text: ArraySlice<UInt8>
    ) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?)? {
        if text.first == 0x5B {
            guard let close = text.firstIndex(of: 0x5D) else { return nil }
            let host = text[(text.startIndex + 1)..<close]
            let isAddress = host.allSatisfy {
                ByteText.isAlphanumeric($0) || $0 == 0x3A || $0 == 0x2E || $0 == 0x25
            }
            let rest = text[(close + 1)...]
            guard host.contains(0x3A), isAddress, rest.isEmpty || rest.first == 0x3A else {
                return nil
            }
            return (host, rest.isEmpty ? nil : rest.dropFirst())
        }
        let colon = text.firstIndex(of: 0x3A)
        let host = text[..<(colon ?? text.endIndex)]
        let isName = host.allSatisfy {
            ByteText.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
        }
        guard !host.isEmpty, isName else { return nil }
        return (host, colon.map { text[($0 + 1)...] })
    }

    private var isIPv6: Bool { host.utf8.contains(0x3A) }

    /// As in a URL, with the port only where it is not the scheme's own.
    package var description: String {
        let isDefault = port == (scheme == .http ? 80 : 443)
        let name = isIPv6 ? "[\(host)]" : host
        return "\(scheme.rawValue)://\(name)" + (isDefault ? "" : ":\(port)")
    }

    /// `host[:port]` in a message.
    package var authority: String { (isIPv6 ? "[\(host)]" : host) + ":\(port)" }

    /// An address such as 10.0.0.1 or [::1], for which RGW never looks for a bucket in the Host header.
    package var isNumeric: Bool {
        isIPv6 || host.utf8.allSatisfy { ByteText.isDigit($0) || $0 == 0x2E }
    }
}
