/// What `mount.rgwfs --help` and the manual page say about options; both come from the table.
package enum HelpText {
    package static let width = 78
    static let indent = 8

    /// The whole text of `mount.rgwfs --help`.
    package static var mount: String {
        var lines = [
            "Usage: \(MountArguments.synopsis)",
            "Mounts a bucket of a Ceph Object Gateway (RGW) as a file system.",
            "",
            "SOURCE  photos, photos/2024 or tenant:photos",
            "DIR     the directory to mount on",
            "-o      options, separated by commas",
            "-f      stay in the foreground and log to the terminal",
            "-s      ignore unknown options, with a warning",
            "-v      log more",
            "-n      accepted for mount(8)'s sake",
            "-h, -V  show this help, or the version",
        ]
        for group in MountOption.Group.allCases {
            lines += ["", "\(group.rawValue) options:"]
            for option in OptionTable.all where option.group == group {
                lines.append("  \(option.synopsis)")
                lines += wrapped(sentence(option), indent: indent)
            }
        }
        lines += [
            "",
            "A TIME is a number of seconds or has a unit (ms, s, m, h, d); a SIZE may have a",
            "suffix K, M, G or T. See mount.rgwfs(8) and rgwfs(7).",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// Help, default and aliases as sentences.
    static func sentence(_ option: MountOption) -> String {
        var text = option.help + "."
        if let value = option.defaultText { text += " Default: \(value)." }
        if !option.aliases.isEmpty { text += " Also: \(option.aliases.joined(separator: ", "))." }
        return text
    }

    private static func wrapped(_ text: String, indent: Int) -> [String] {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = margin
        for word in text.split(separator: " ") {
            if line.utf8.count > indent, line.utf8.count + 1 + word.utf8.count > width {
                lines.append(line)
                line = margin
            }
            line += (line.utf8.count > indent ? " " : "") + word
        }
        return lines + [line]
    }

    /// The options section of mount.rgwfs(8), between its two marker lines.
    package static var manualOptions: String {
        var lines: [String] = []
        for group in MountOption.Group.allCases {
            lines.append(".SS \(group.rawValue)")
            for option in OptionTable.all where option.group == group {
                lines += [".TP", roffSynopsis(option), roff(sentence(option))]
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func roffSynopsis(_ option: MountOption) -> String {
        let name = roff(option.name)
        guard let placeholder = option.placeholder else { return ".B \(name)" }
        // Words to choose from are literal, what stands for a value is not.
        let isChoice = placeholder.utf8.contains(0x7C)
        return ".BR \(name) = \(isChoice ? roff(placeholder) : "\\fI\(roff(placeholder))\\fR")"
    }

    /// A backslash, a leading dot or quote and a hyphen have a meaning in roff.
    static func roff(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            default: result.append(character)
            }
        }
        if let first = result.utf8.first, first == 0x2E || first == 0x27 { result = "\\&" + result }
        return result
    }
}
