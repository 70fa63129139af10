/// Through which proxy requests go.
package enum ProxyChoice: Equatable, Sendable {
    /// What curl(1) would take from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`.
    case environment
    case none
    /// Scheme, host and port; nothing secret.
    case url(String)

    static let form = "http://HOST:PORT, https://..., socks5h://..., or none"
    private static let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]

    /// Whether some server is asked through a proxy. Source: curl(1), "ENVIRONMENT".
    func mayApply(in environment: some MountEnvironment) -> Bool {
        switch self {
        case .none: false
        case .url: true
        case .environment:
            ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].contains {
                environment.variable($0)?.isEmpty == false
            }
        }
    }

    /// Reads `proxy=`. A user's name and password are refused, because options are seen by everybody in ps(1)
    /// and fstab(5).
    package init(option text: String) throws(OptionError) {
        if text == "none" {
            self = .none
            return
        }
        guard !text.utf8.contains(0x40) else {
            throw .secretInValue(
                name: "proxy",
                advice: "put the whole URL into the environment variable https_proxy or http_proxy")
        }
        let invalid = OptionError.valueInvalid(name: "proxy", value: text, expected: Self.form)
        var rest = text[...]
        var scheme = "http"
        if let mark = text.firstRange(of: "://") {
            scheme = text[..<mark.lowerBound].lowercased()
            rest = text[mark.upperBound...]
        }
        if rest.last == "/" { rest = rest.dropLast() }
        guard Self.schemes.contains(scheme), let colon = rest.lastIndex(of: ":"),
            rest.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != 0x2F && $0 != 0x3F && $0 != 0x23 }),
            let port = UInt16(rest[rest.index(after: colon)...]), port > 0,
            !rest[..<colon].isEmpty
        else { throw invalid }
        self = .url("\(scheme)://\(rest)")
    }
}
