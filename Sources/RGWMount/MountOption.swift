import RGWBase

/// One row of the option table: the same row parses the option, documents it and shows its default.
package struct MountOption: Sendable {
    /// Where `--help` and the manual page list it.
    package enum Group: String, Sendable, CaseIterable {
        case server = "Server"
        case credentials = "Credentials"
        case ownership = "Ownership and access"
        case caching = "Caching"
        case writeBack = "Write-back"
        case operating = "Operating"
    }

    package let name: String
    package let aliases: [String]
    package let group: Group
    /// What stands after `=` in help texts; nil for a flag.
    package let placeholder: String?
    /// One sentence without its full stop.
    package let help: String
    /// The default as the option's value would be written; nil for flags and where there is none.
    package let defaultText: String?
    let assign: @Sendable (inout MountSettings, _ value: String?) throws(OptionError) -> Void

    /// `name=PLACEHOLDER` or `name`.
    package var synopsis: String { name + (placeholder.map { "=\($0)" } ?? "") }
}

extension MountOption {
    typealias Path<Value> = WritableKeyPath<MountSettings, Value> & Sendable

    /// The row for any kind of value: `read` returns nil for a text that is not one.
    static func value<Value>(
        _ name: String, _ aliases: [String], _ group: Group, placeholder: String, expected: String,
        defaultText: String?, help: String, read: @escaping @Sendable (String) -> Value?,
        assign: @escaping @Sendable (inout MountSettings, Value) -> Void
    ) -> MountOption {
        MountOption(
            name: name, aliases: aliases, group: group, placeholder: placeholder, help: help,
            defaultText: defaultText
        ) { (settings: inout MountSettings, text: String?) throws(OptionError) in
            guard let text, !text.isEmpty else {
                throw .valueMissing(name: name, expected: expected)
            }
            guard let value = read(text) else {
                throw .valueInvalid(name: name, value: text, expected: expected)
            }
            assign(&settings, value)
        }
    }

    /// A switch: `name`, also `name=1` and `name=0` as s3fs writes them.
    static func flag(
        _ name: String, _ aliases: [String] = [], _ group: Group, help: String,
        _ assign: @escaping @Sendable (inout MountSettings, Bool) -> Void
    ) -> MountOption {
        MountOption(
            name: name, aliases: aliases, group: group, placeholder: nil, help: help,
            defaultText: nil
        ) { (settings: inout MountSettings, text: String?) throws(OptionError) in
            guard let text else { return assign(&settings, true) }
            guard let value = OptionValue.boolean(text) else {
                throw .valueInvalid(name: name, value: text, expected: "nothing, 0 or 1")
            }
            assign(&settings, value)
        }
    }

    /// Seconds, or a number with a unit. `bareUnit` is what a bare number counts.
    static func duration(
        _ name: String, _ aliases: [String] = [], _ group: Group, _ path: any Path<Duration>,
        in range: ClosedRange<Duration>, bareUnit: Duration = .seconds(1), help: String
    ) -> MountOption {
        let from = OptionValue.text(duration: range.lowerBound)
        let to = OptionValue.text(duration: range.upperBound)
        return value(
            name, aliases, group, placeholder: "TIME",
            expected: "a time such as 300ms, 1s or 5m, from \(from) to \(to)",
            defaultText: OptionValue.text(duration: MountSettings()[keyPath: path]), help: help,
            read: { text in
                OptionValue.duration(text, bareUnit: bareUnit).flatMap {
                    range.contains($0) ? $0 : nil
                }
            },
            assign: { $0[keyPath: path] = $1 })
    }

    /// Bytes with an optional suffix.
    static func bytes<Number: FixedWidthInteger & Sendable>(
        _ name: String, _ group: Group, _ path: any Path<Number>, in range: ClosedRange<UInt64>,
        help: String
    ) -> MountOption {
        let from = OptionValue.text(bytes: range.lowerBound)
        let to = OptionValue.text(bytes: range.upperBound)
        return value(
            name, [], group, placeholder: "SIZE",
            expected: "a size such as 64K, 256M or 1G, from \(from) to \(to)",
            defaultText: OptionValue.text(bytes: UInt64(MountSettings()[keyPath: path])),
            help: help,
            read: { text in
                OptionValue.bytes(text).flatMap { range.contains($0) ? Number(exactly: $0) : nil }
            },
            assign: { $0[keyPath: path] = $1 })
    }

    static func number(
        _ name: String, _ aliases: [String] = [], _ group: Group, _ path: any Path<Int>,
        in range: ClosedRange<Int>, help: String
    ) -> MountOption {
        value(
            name, aliases, group, placeholder: "N",
            expected: "a number from \(range.lowerBound) to \(range.upperBound)",
            defaultText: "\(MountSettings()[keyPath: path])", help: help,
            read: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } },
            assign: { $0[keyPath: path] = $1 })
    }

    /// One of a few words; the first choice whose value is the default's is shown as the default.
    static func choice<Value: Equatable & Sendable>(
        _ name: String, _ group: Group, _ path: any Path<Value>, _ choices: [(String, Value)],
        help: String
    ) -> MountOption {
        let initial = MountSettings()[keyPath: path]
        let words = choices.map(\.0)
        return value(
            name, [], group, placeholder: words.joined(separator: "|"),
            expected: words.joined(separator: " or "),
            defaultText: choices.first { $0.1 == initial }?.0, help: help,
            read: { text in choices.first { $0.0 == text }?.1 },
            assign: { $0[keyPath: path] = $1 })
    }

    /// The number of a user or group, or a mask: no default of its own.
    static func identifier(
        _ name: String, _ placeholder: String, _ path: any Path<UInt32?>, expected: String,
        help: String, read: @escaping @Sendable (String) -> UInt32?
    ) -> MountOption {
        value(
            name, [], .ownership, placeholder: placeholder, expected: expected, defaultText: nil,
            help: help, read: read, assign: { $0[keyPath: path] = $1 })
    }

    static func text(
        _ name: String, _ aliases: [String] = [], _ group: Group, placeholder: String,
        _ path: any Path<String?>, expected: String, help: String
    ) -> MountOption {
        value(
            name, aliases, group, placeholder: placeholder, expected: expected, defaultText: nil,
            help: help, read: { $0 }, assign: { $0[keyPath: path] = $1 })
    }
}
