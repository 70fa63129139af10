package import RGWBase

/// The spool's FORMAT file: what the directory is, who may touch it, and what it belongs to.
///
/// Lines `name value`. Names that are not known are skipped, so later versions may add some; a
/// version that must not be written (or read) by this program says so in `min-writer`
/// (`min-reader`).
package struct SpoolFormat: Equatable, Sendable {
    /// The newest format this program knows.
    package static let current = 1

    package var version: Int
    package var minReader: Int
    package var minWriter: Int
    /// RFC 9562, version 4.
    package var uuid: String
    package var identity: SpoolIdentity

    /// A new spool's format.
    package init(identity: SpoolIdentity, entropy: any Entropy) {
        version = Self.current
        minReader = Self.current
        minWriter = Self.current
        uuid = Self.randomUUID(entropy)
        self.identity = identity
    }

    /// Nil: not a FORMAT file, or one that lacks a line every version has.
    package init?(parsing text: String) {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let space = line.firstIndex(of: " ") ?? line.endIndex
            values[line[..<space]] = line[space...].dropFirst()
        }
        func number(_ name: Substring) -> Int? { values[name].flatMap { Int($0) } }
        guard let version = number("rgwfs-spool"), let minReader = number("min-reader"),
            let minWriter = number("min-writer"), let uuid = values["uuid"],
            let endpoint = values["endpoint"], let bucket = values["bucket"],
            let prefix = values["prefix"]
        else { return nil }
        self.version = version
        self.minReader = minReader
        self.minWriter = minWriter
        self.uuid = String(uuid)
        identity = SpoolIdentity(
            endpoint: unescapedLine(endpoint), bucket: unescapedLine(bucket),
            prefix: unescapedLine(prefix))
    }

    package var text: String {
        """
        rgwfs-spool \(version)
        min-reader \(minReader)
        min-writer \(minWriter)
        uuid \(uuid)
        endpoint \(escapedLine(identity.endpoint))
        bucket \(escapedLine(identity.bucket))
        prefix \(escapedLine(identity.prefix))

        """
    }

    private static func randomUUID(_ entropy: any Entropy) -> String {
        let high = entropy.next() & ~0xF000 | 0x4000
        let low = entropy.next() & ~(0b11 << 62) | (0b10 << 62)
        let digits = Array(hexadecimal(high, digits: 16) + hexadecimal(low, digits: 16))
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(digits[$0]) }.joined(separator: "-")
    }
}
