/// Changes inputs at random; what it does depends on its seed alone.
package struct Mutator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// SplitMix64.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Words that parsers look for, and edges of numbers.
    private static let tokens: [String] = [
        "<", ">", "</", "/>", "&", ";", "&#x0;", "&amp;", "]]>", "<![CDATA[", "<!--", "<!DOCTYPE",
        "%", "%00", "%zz", "\"", "'", ":", "\r\n", "\r\n\r\n", "\n", "\0", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 404 X\r\n", "Content-Length: 0\r\n", "content-range: bytes 3-19/20\r\n",
        "ETag: \"x\"\r\n", "<Error><Code>NoSuchKey</Code></Error>", "<Key>", "</Key>",
        "<IsTruncated>true</IsTruncated>", "0", "-1", "18446744073709551615",
        "9223372036854775808", "[default]", "{\"keys\": [", "=", "http://", "https://[::1]:80",
        "Sun, 06 Nov 1994 08:49:37 GMT", "2024-02-29T12:34:56.789Z", "\u{FEFF}", "\u{1F600}",
    ]

    /// One to four changes; the result has at most 64 KiB.
    package mutating func mutate(_ input: [UInt8], other: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0...below(4) { change(&bytes, other) }
        return Array(bytes.prefix(64 << 10))
    }

    private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
        let at = below(bytes.count + 1)
        let end = min(bytes.count, at + below(41))
        switch below(8) {
        case 0 where at < bytes.count: bytes[at] = UInt8(below(256))
        case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8(below(8))
        case 2: bytes.removeSubrange(at..<end)
        case 3: bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 4: bytes.removeLast(bytes.count - at)
        case 5:
            let from = below(other.count + 1)
            let to = min(other.count, from + below(201))
            bytes.insert(contentsOf: other[from..<to], at: at)
        default: bytes.insert(contentsOf: Self.tokens[below(Self.tokens.count)].utf8, at: at)
        }
    }

    /// 0 ..< bound; the little unevenness does no harm here.
    private mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
