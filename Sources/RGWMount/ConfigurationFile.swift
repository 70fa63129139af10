/// What is wrong with /etc/rgwfs.conf: one sentence with file and line.
package enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case absent(path: String)
    case unreadable(path: String, reason: String)
    case syntax(path: String, line: Int, expected: String)
    /// Text and a comment in one line.
    case comment(path: String, line: Int)
    case option(path: String, line: Int, OptionError)

    package var description: String {
        switch self {
        case .absent(let path): "there is no configuration file \(Shown.path(path))"
        case .unreadable(let path, let reason):
            "cannot read the configuration file \(Shown.path(path)): \(reason)"
        case .syntax(let path, let line, let expected):
            "\(Shown.path(path)):\(line): expected \(expected)"
        case .comment(let path, let line):
            "\(Shown.path(path)):\(line): a comment needs a line of its own"
        case .option(let path, let line, let error):
            "\(Shown.path(path)):\(line): \(error)"
        }
    }
}

/// /etc/rgwfs.conf: options by source, one a line, in INI form.
///
///     [default]
///     url = http://rgw.example.org:7480
///     [photos/2024]
///     ro
///
/// `[default]` applies to every mount, `[photos]` to the bucket and all its prefixes; the more
/// exact section wins, and the command line wins over all.
package struct ConfigurationFile: Equatable, Sendable {
    package static let defaultPath = "/etc/rgwfs.conf"
    /// A file of options is short; anything longer is a mistake.
    package static let lengthMax = 1 << 20

    struct Entry: Equatable {
        var line: Int
        var item: OptionList.Item
    }

    let path: String
    /// Entries by the section's name, in the order of the file.
    let sections: [String: [Entry]]

    package init(parsing bytes: [UInt8], path: String) throws(ConfigurationError) {
        var sections: [String: [Entry]] = [:]
        var current: String?
        for (number, line) in ByteText.lines(bytes) {
            let text = ByteText.trimmed(line)
            guard let first = text.utf8.first, !Self.isComment(first) else { continue }
            guard !Self.hasComment(text) else { throw .comment(path: path, line: number) }
            if first == 0x5B {
                let name = ByteText.trimmed(text.dropFirst().dropLast())
                guard text.utf8.last == 0x5D, !name.isEmpty else {
                    throw .syntax(path: path, line: number, expected: "[section]")
                }
                current = try Self.sectionName(name, path, number)
                continue
            }
            guard let section = current else {
                throw .syntax(path: path, line: number, expected: "[default] or [bucket] first")
            }
            let (name, value) = ByteText.assignment(text)
            let item = OptionList.Item(
                name: ByteText.trimmed(name), value: value.map { ByteText.trimmed($0) })
            guard !item.name.isEmpty, !item.name.utf8.contains(where: ByteText.isBlank) else {
                throw .syntax(path: path, line: number, expected: "option or option = value")
            }
            guard !item.name.utf8.contains(0x2C) else {
                throw .syntax(path: path, line: number, expected: "one option a line")
            }
            sections[section, default: []].append(Entry(line: number, item: item))
        }
        self.path = path
        self.sections = sections
    }

    private static func isComment(_ byte: UInt8) -> Bool { byte == 0x23 || byte == 0x3B }

    /// A `#` or `;` behind a blank. It would become a part of the value.
    private static func hasComment(_ text: String) -> Bool {
        zip(text.utf8, text.utf8.dropFirst()).contains { ByteText.isBlank($0) && isComment($1) }
    }

    /// `default`, or a source as the command line would have it, without `s3://` and slashes at the
    /// end.
    private static func sectionName(
        _ text: String, _ path: String, _ line: Int
    ) throws(ConfigurationError) -> String {
        if text == "default" { return text }
        do throws(SourceError) {
            return try MountSource(parsing: text).description
        } catch {
            throw .syntax(path: path, line: line, expected: "[default] or a source: \(error)")
        }
    }

    /// Applies the sections for `source`, the most general one first. Other sections are not looked
    /// into.
    package func apply(
        for source: MountSource, to settings: inout MountSettings
    ) throws(ConfigurationError) {
        for section in source.configurationSections {
            for entry in sections[section] ?? [] {
                do throws(OptionError) {
                    try OptionReader.apply(entry.item, to: &settings)
                } catch {
                    throw .option(path: path, line: entry.line, error)
                }
            }
        }
    }
}
