package import RGWWire

/// Where the object store is and how buckets are named there.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable, CaseIterable {
        case https
        case http
    }

    package var scheme: Scheme
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    package var host: String
    /// Nil: the scheme's own.
    package var port: UInt16?
    package var style: AddressingStyle

    package init(
        scheme: Scheme = .https, host: String, port: UInt16? = nil, style: AddressingStyle = .path
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.style = style
    }

    /// Why text is not an endpoint; each is one sentence for the user.
    package enum Invalid: Error, Equatable, Sendable, CustomStringConvertible {
        case scheme(String)
        case noHost
        case host(String)
        case port(String)
        case path(String)

        package var description: String {
            switch self {
            case .scheme(let text): "the scheme '\(text)' is neither http nor https"
            case .noHost: "the host name is missing"
            case .host(let text): "'\(text)' is not a host name or address"
            case .port(let text): "'\(text)' is not a port (1 to 65535)"
            case .path(let text): "the path '\(text)' is not allowed in an endpoint"
            }
        }
    }

    /// `[http[s]://]host[:port][/]`, an IPv6 address in brackets; https when no scheme is given.
    package init(parsing text: String, style: AddressingStyle = .path) throws(Invalid) {
        var rest = Substring(text)
        var scheme = Scheme.https
        if let (name, behind) = Self.split(rest, at: "://") {
            guard let known = Scheme(rawValue: name.lowercased()) else {
                throw .scheme(String(name))
            }
            scheme = known
            rest = behind
        }
        if let slash = rest.firstIndex(of: "/") {
            guard rest[slash...] == "/" else { throw .path(String(rest[slash...])) }
            rest = rest[..<slash]
        }
        let (host, port) = try Self.hostAndPort(rest)
        self.init(scheme: scheme, host: host, port: port, style: style)
    }

    private static func split(_ text: Substring, at mark: String) -> (Substring, Substring)? {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix(mark) {
                return (text[..<index], text[index...].dropFirst(mark.count))
            }
            index = text.index(after: index)
        }
        return nil
    }

    private static func hostAndPort(_ text: Substring) throws(Invalid) -> (String, UInt16?) {
        guard !text.isEmpty else { throw .noHost }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw .host(String(text)) }
            let host = text[text.index(after: text.startIndex)..<end]
            let isAddress = host.contains(":") && host.utf8.allSatisfy(isAddressByte)
            guard isAddress else { throw .host(String(host)) }
            let behind = text[text.index(after: end)...]
            guard behind.isEmpty || behind.first == ":" else { throw .host(String(text)) }
            return (String(host), try port(behind.isEmpty ? nil : behind.dropFirst()))
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw .host(String(text)) }
        guard !parts[0].isEmpty else { throw .noHost }
        guard parts[0].utf8.allSatisfy(isNameByte), parts[0].utf8.count <= 253 else {
            throw .host(String(parts[0]))
        }
        return (String(parts[0]), try port(parts.count == 2 ? parts[1] : nil))
    }

    private static func port(_ text: Substring?) throws(Invalid) -> UInt16? {
        guard let text else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39) ~= $0 }), let port = UInt16(text), port > 0
        else { throw .port(String(text)) }
        return port
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Hexadecimal digits, colons, an embedded IPv4 address.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x3A, 0x41...0x46, 0x61...0x66, UInt8(ascii: "."): true
        default: false
        }
    }

    /// RGW with `rgw dns name` takes a host name that it does not know, or the part of it before its
    /// own, for the bucket, and says NoSuchBucket of any bucket then; the error names what it looked
    /// for. True when `bucket` is such a name. Source: docs.ceph.com, radosgw/s3/commons, "Bucket
    /// and Host Name"; measured on 16.
    func wasTaken(for bucket: String) -> Bool {
        style == .path && (host == bucket || host.hasPrefix("\(bucket)."))
    }

    /// Where `wasTaken` can be: not with addresses, for which RGW never does so.
    var mayBeTakenForBucket: Bool {
        let isAddress =
            host.contains(":") || host.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39) ~= $0 }
        return style == .path && !isAddress
    }

    package var origin: HTTPOrigin { HTTPOrigin(secure: scheme == .https, host: host, port: port) }

    package var description: String { origin.description }
}
